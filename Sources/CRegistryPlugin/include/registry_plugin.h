/* The plugin boundary of Rollcall, version 1. This header is the specification.
 *
 * A registry plugin is a shared library that exports ONE symbol, the function
 * `registry_plugin_entry_v1`. Everything else should be hidden.
 *
 * The life of an instance, every call made by the host:
 *
 *     registry_plugin_entry_v1 -> create -> start -> publish* -> stop -> destroy
 *
 * and what the instance tells, every call made by the plugin, through registry_host_v1:
 *
 *     snapshot first, then snapshot / upsert / remove / source_gone, with status and log at any time
 *     (before all that: sources, where there are several)
 *
 * RULES THAT HOLD EVERYWHERE
 *
 * Threads.  [control] functions are called by the host on ONE thread for each instance, one after the
 *   other, never at the same time, so an instance needs no lock between them. [any] functions may be
 *   called by the plugin from any thread, also from several at once, also from within a [control]
 *   function; calls for one instance take effect in the order in which the host received them.
 * Blocking.  Each function says how long it may take. Host functions never wait for the network, a disk
 *   or another plugin.
 * Lifetimes.  What a pointer points to belongs to the side that passed it, and lives until the call
 *   returns, unless its comment says otherwise. The receiver copies what it wants to keep. Nothing that
 *   one side allocated is freed by the other.
 * Text.  A pointer and a length in bytes, UTF-8, no terminating zero needed, no zero inside. Length 0 is
 *   "nobody said it", and the pointer may then be NULL. Text that isn't UTF-8 fails the call with
 *   REGISTRY_INVALID_ARGUMENT and fails the registry. Messages and what `status` and `log` are given are
 *   for people: in them it is repaired, line ends become spaces, and what is beyond 4096 bytes is cut.
 * Lists.  A pointer to the first element and a count. With count 0 the pointer may be NULL.
 * Limits.  A host may take less than what a plugin has, and then returns REGISTRY_LIMIT_EXCEEDED. Each takes
 *   4096 bytes of text, 1024 items in a list of a node, and 250,000 nodes of a registry.
 * Reserved bytes and bits are zero from the sender and ignored by the receiver.
 * Results.  Every function that can fail returns a registry_code and, with any other than REGISTRY_OK,
 *   fills in a message for a person: one line, without secrets.
 * Evolution.  A published struct of data never changes: a new layout gets a new name and a new function.
 *   Function tables start with their size, and may grow at their end: check that `size` reaches past a
 *   function before you call it (REGISTRY_HAS). A higher minor version only adds to tables. The host
 *   loads a plugin whose major version is its own.
 * Unloading.  A library is loaded once and never unloaded.
 */
#ifndef REGISTRY_PLUGIN_H
#define REGISTRY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this boundary that a plugin was compiled against: see registry_plugin_v1. */
#define REGISTRY_ABI_MAJOR 1
#define REGISTRY_ABI_MINOR 0

/* The name of the one exported symbol. */
#define REGISTRY_PLUGIN_ENTRY "registry_plugin_entry_v1"

#if defined(__GNUC__)
#define REGISTRY_EXPORT __attribute__((visibility("default")))
#else
#define REGISTRY_EXPORT
#endif

/* Whether `table`, a pointer to a function table, is large enough to have `function`, and has it. */
#define REGISTRY_HAS(table, function)                                                            \
  ((table)->size >= offsetof(__typeof__(*(table)), function) + sizeof((table)->function) &&       \
   (table)->function != NULL)

/* ---- Results ---- */

/* How a call ended. Receivers treat a code that they don't know as REGISTRY_FAILED. */
typedef int32_t registry_code;
enum {
  REGISTRY_OK = 0,
  /* What was passed breaks a rule of this header or of the plugin's options. */
  REGISTRY_INVALID_ARGUMENT = 1,
  /* More than the receiver takes: too many nodes, text too long. */
  REGISTRY_LIMIT_EXCEEDED = 2,
  /* The instance has been told to stop; what it says is no longer heard. Not a fault. */
  REGISTRY_STOPPED = 3,
  /* What the registry needs isn't there now: try again later. */
  REGISTRY_UNAVAILABLE = 4,
  /* Whom the registry asks refused the credentials. */
  REGISTRY_PERMISSION_DENIED = 5,
  /* The plugin doesn't do this. */
  REGISTRY_UNSUPPORTED = 6,
  /* Any other failure. */
  REGISTRY_FAILED = 7
};

/* Where the callee writes the message of a failure. Memory and struct are the caller's; `data` is never
 * NULL and `capacity` is at least 256 bytes. The callee writes at most `capacity` bytes of UTF-8 and
 * sets `length` to the number that it wrote; the caller has set it to 0. */
typedef struct registry_message_v1 {
  char *data;
  size_t capacity;
  size_t length;
} registry_message_v1;

/* ---- Values ---- */

/* UTF-8 text. */
typedef struct registry_string_v1 {
  const char *data;
  size_t length;
} registry_string_v1;

/* An address in network order. IPv4 uses the first 4 bytes, the others are zero. */
typedef struct registry_address_v1 {
  uint8_t bytes[16];
  uint8_t family; /* 4, 6, or 0: no address */
  uint8_t reserved[7];
} registry_address_v1;

/* A network: an address and the number of its leading bits that count, 0 to 32 or 128. */
typedef struct registry_prefix_v1 {
  registry_address_v1 address;
  uint8_t length;
  uint8_t reserved[7];
} registry_prefix_v1;

/* An address and a UDP port. */
typedef struct registry_endpoint_v1 {
  registry_address_v1 address;
  uint16_t port;
  uint8_t reserved[6];
} registry_endpoint_v1;

/* What a machine is for in its cluster. An unknown number counts as REGISTRY_MACHINE_UNKNOWN. */
enum {
  REGISTRY_MACHINE_UNKNOWN = 0,
  REGISTRY_MACHINE_INIT = 1,
  REGISTRY_MACHINE_CONTROLPLANE = 2,
  REGISTRY_MACHINE_WORKER = 3
};

/* registry_affiliate_v1.flags: the registry has not heard this confirmed lately and keeps it only in
 * case. Such a record is shown as stale and gives way to the word of any registry that is fresh. */
#define REGISTRY_AFFILIATE_STALE 0x1u

/* Everything that one registry says of one node. What it doesn't say is empty, zero or NULL. */
typedef struct registry_affiliate_v1 {
  registry_string_v1 node_id; /* 1 to 256 bytes of printable ASCII without a slash; always there */
  registry_string_v1 hostname;
  registry_string_v1 nodename;
  registry_string_v1 operating_system;
  uint32_t machine_type; /* REGISTRY_MACHINE_... */
  uint32_t flags;        /* REGISTRY_AFFILIATE_... */
  const registry_address_v1 *addresses;
  size_t address_count;
  uint16_t api_server_port; /* 0: no API server */
  uint8_t reserved[6];
  /* When whom the registry asks last confirmed this, in milliseconds since 1970 UTC; 0: at this call. */
  int64_t confirmed_at;
  /* KubeSpan; an empty key, no address and no lists: the node takes no part. */
  registry_string_v1 public_key;
  registry_address_v1 kubespan_address;
  const registry_prefix_v1 *additional_addresses;
  size_t additional_address_count;
  const registry_prefix_v1 *excluded_networks;
  size_t excluded_network_count;
  const registry_endpoint_v1 *endpoints;
  size_t endpoint_count;
} registry_affiliate_v1;

/* Endpoints at which this node has seen another node's WireGuard. */
typedef struct registry_seen_endpoints_v1 {
  registry_string_v1 node_id;
  const registry_endpoint_v1 *endpoints;
  size_t endpoint_count;
} registry_seen_endpoints_v1;

/* What this node tells of itself and of others, whole each time. */
typedef struct registry_publication_v1 {
  const registry_affiliate_v1 *local; /* NULL: withdraw what was published, the node leaves */
  const registry_seen_endpoints_v1 *seen;
  size_t seen_count;
} registry_publication_v1;

/* ---- What the host gives ---- */

/* The registry's state as registry_host_v1.status takes it. */
enum {
  /* All is well again after REGISTRY_STATE_DEGRADED. */
  REGISTRY_STATE_HEALTHY = 0,
  /* Something doesn't work; the registry goes on and tries again by itself. */
  REGISTRY_STATE_DEGRADED = 1,
  /* The registry is at its end. The host stops and destroys the instance, and later makes a new one. */
  REGISTRY_STATE_FAILED = 2
};

/* registry_host_v1.log levels. */
enum {
  REGISTRY_LOG_TRACE = 0,
  REGISTRY_LOG_DEBUG = 1,
  REGISTRY_LOG_INFO = 2,
  REGISTRY_LOG_NOTICE = 3,
  REGISTRY_LOG_WARNING = 4,
  REGISTRY_LOG_ERROR = 5,
  REGISTRY_LOG_CRITICAL = 6
};

/* What an instance calls. The table and `context` live until `destroy` has returned; both are given to
 * `create`. Pass `context` as each function's first argument.
 *
 * `source` tells apart several peers of one registry that each have their own word on the same nodes
 * (two services, two files): records of different sources stand beside each other and are merged like
 * those of different registries. Most registries have one source and pass empty text. A source is at
 * most 256 bytes of printable ASCII without a slash, and a registry has at most 64.
 *
 * Functions that return REGISTRY_STOPPED, REGISTRY_LIMIT_EXCEEDED or REGISTRY_INVALID_ARGUMENT have
 * changed nothing; the latter two have failed the registry with the message that they filled in.
 * `message` may be NULL. All are [any]; none blocks for longer than it takes to copy what it is given. */
typedef struct registry_host_v1 {
  uint32_t size; /* sizeof(registry_host_v1) where the host was compiled */
  uint16_t abi_major, abi_minor;
  void *context;

  /* Everything that `source` knows now. Nodes of the source that aren't in it are gone. Each node may be
   * in it once. The first update of an instance is a snapshot, an empty one where nothing is known: it
   * makes the registry count as synced, unless `sources` named others. */
  registry_code (*snapshot)(void *context, registry_string_v1 source,
                            const registry_affiliate_v1 *affiliates, size_t count,
                            registry_message_v1 *message);
  /* One node is new or changed; its previous record is replaced whole. After the source's snapshot. */
  registry_code (*upsert)(void *context, registry_string_v1 source,
                          const registry_affiliate_v1 *affiliate, registry_message_v1 *message);
  /* One node is gone. A node that wasn't known is no error. After the source's snapshot. */
  registry_code (*remove)(void *context, registry_string_v1 source, registry_string_v1 node_id,
                          registry_message_v1 *message);
  /* The source is no longer asked: its records are dropped. */
  registry_code (*source_gone)(void *context, registry_string_v1 source, registry_message_v1 *message);

  /* How the registry is: REGISTRY_STATE_..., and why, for a person. Told again at each change. */
  void (*status)(void *context, uint32_t state, registry_code code, registry_string_v1 text);
  /* One line for the log; `level` is one of REGISTRY_LOG_.... No secrets. Of a plugin that logs a lot a host may
   * leave lines out, and then says how many. */
  void (*log)(void *context, uint32_t level, registry_string_v1 text);
  /* Whom the registry asks sees this node under `address`. Told again at each change. */
  void (*public_address)(void *context, registry_address_v1 address);

  /* Names the sources that will each tell a snapshot soon; optional. Called before the first snapshot: the
   * registry counts as synced only when each of them has told its first snapshot or is gone. Without it the
   * first snapshot of any source makes the registry count as synced. At most 64, in any order. Called
   * again, the new names replace those before; with count 0 nothing is waited for. */
  registry_code (*sources)(void *context, const registry_string_v1 *sources, size_t count,
                           registry_message_v1 *message);
} registry_host_v1;

/* What `create` is told. Lives until `create` returns. */
typedef struct registry_settings_v1 {
  registry_string_v1 name;    /* the registry's name in the configuration, for messages */
  registry_string_v1 options; /* a JSON object, valid by the descriptor's schema; {} where none is given */
  registry_string_v1 local_node_id; /* whom to leave out of what is told; empty: a mere observer */
  registry_string_v1 cluster_id;    /* empty: none configured */
  /* The cluster's secret as base64 text; empty unless the descriptor has REGISTRY_WANTS_CLUSTER_SECRET. */
  registry_string_v1 cluster_secret;
  registry_string_v1 state_directory; /* a folder that is the instance's own; may not exist yet */
  registry_string_v1 base_directory;  /* what relative paths in the options are relative to */
  uint32_t stop_timeout; /* milliseconds after which the host no longer waits for `stop` */
  uint32_t reserved;
} registry_settings_v1;

/* ---- What the plugin gives ---- */

/* registry_descriptor_v1.flags: `publish` does something. */
#define REGISTRY_PUBLISHES 0x1u
/* registry_descriptor_v1.flags: the cluster's secret is needed. */
#define REGISTRY_WANTS_CLUSTER_SECRET 0x2u

/* What the plugin is. All of it lives as long as the process. */
typedef struct registry_descriptor_v1 {
  registry_string_v1 name;    /* unique among plugins: 1 to 64 of a-z 0-9 and '-', a letter first */
  registry_string_v1 version; /* of the plugin, for people; not empty */
  registry_string_v1 prefix;  /* of raw affiliate ids, "k8s" of "k8s/…"; written as a name is */
  registry_string_v1 summary; /* one line for people; not empty */
  /* A JSON Schema (an object schema) of the options. Keywords that the host checks: type, properties,
   * required, additionalProperties (false unless said), items, enum, minimum, maximum, minLength,
   * maxLength, minItems, maxItems, default, description, writeOnly (a secret: never shown), and format
   * with ip, cidr, endpoint, duration, uri, base64. Numbers only where a person would write one. */
  registry_string_v1 options_schema;
  uint32_t flags; /* REGISTRY_PUBLISHES, REGISTRY_WANTS_CLUSTER_SECRET */
  uint32_t reserved;
} registry_descriptor_v1;

/* What the plugin can do. Lives as long as the process, and so does what it points to. */
typedef struct registry_plugin_v1 {
  uint32_t size;                 /* sizeof(registry_plugin_v1) where the plugin was compiled */
  uint16_t abi_major, abi_minor; /* REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR where it was compiled */
  const registry_descriptor_v1 *descriptor;

  /* [control] Makes an instance from its settings, and stores it in `instance`, which is then passed to
   * the others; several may live at once, also of the same settings. Returns within a second: nothing is
   * connected or read that could take longer. On failure nothing is stored and nothing is left behind. */
  registry_code (*create)(const registry_host_v1 *host, const registry_settings_v1 *settings,
                          void **instance, registry_message_v1 *message);
  /* [control] Begins to tell the host what the registry knows, on threads of the plugin's own. Returns
   * within a second. Called once. On failure the instance is destroyed without `stop`. */
  registry_code (*start)(void *instance, registry_message_v1 *message);
  /* [control] Takes over what this node publishes, replacing what it was given before; the plugin keeps
   * it published until the next call or `stop`. Returns within a second: the sending is the plugin's own
   * business, and its failures are told by `status`. NULL unless the descriptor has REGISTRY_PUBLISHES. */
  registry_code (*publish)(void *instance, const registry_publication_v1 *publication,
                           registry_message_v1 *message);
  /* [control] Ends what `start` began. It may block, for up to `stop_timeout` milliseconds. Once it has
   * returned no thread of the instance calls the host. What the instance says meanwhile is not heard. An
   * instance that takes longer is left alone for good, and `destroy` is not called. */
  void (*stop)(void *instance);
  /* [control] Frees the instance. After `stop`, or after `create` without `start`. Returns within a
   * second. */
  void (*destroy)(void *instance);
} registry_plugin_v1;

/* The one exported function. [any] Never NULL, the same each time, and without side effects. */
REGISTRY_EXPORT const registry_plugin_v1 *registry_plugin_entry_v1(void);

/* ---- For authors in C ---- */

/* The text of a C string, which must outlive the value. */
static inline registry_string_v1 registry_string(const char *text) {
  registry_string_v1 string = {text, text ? strlen(text) : 0};
  return string;
}

/* Writes as much of `text` into `message` as fits, and returns `code`. */
static inline registry_code registry_fail(registry_message_v1 *message, registry_code code,
                                          const char *text) {
  if (message) {
    size_t length = strlen(text);
    message->length = length < message->capacity ? length : message->capacity;
    memcpy(message->data, text, message->length);
  }
  return code;
}

#ifdef __cplusplus
}
#endif

#endif
