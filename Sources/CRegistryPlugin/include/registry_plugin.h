/* The plugin boundary of Rollcall, version 1. This header is the specification.
 *
 * A registry plugin is a shared library that exports ONE symbol, the function
 * `registry_plugin_entry_v1`. Everything else should be hidden.
 *
 * The life of an instance, every call made by the host:
 *
 *     registry_plugin_entry_v1 -> create -> start -> publish* -> stop -> destroy
 *
 * and what the instance does in between, every call made by the plugin, through registry_host_v1:
 *
 *     apply      what it knows and how it is, in batches: a snapshot of each source first, then changes
 *     report     one aspect of how it is, where nothing else is to be said
 *     published  what became of a publication
 *     failed     it is at its end
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
 *   REGISTRY_INVALID_ARGUMENT and fails the registry. Messages, reports and log lines are for people: in
 *   them it is repaired, line ends become spaces, and what is beyond 4096 bytes is cut.
 * Lists.  A pointer to the first element and a count. With count 0 the pointer may be NULL.
 * Limits.  A host may take less than what a plugin has, and then returns REGISTRY_LIMIT_EXCEEDED. Each takes
 *   4096 bytes of text, 1024 items in a list of a node, 250,000 nodes and 64 sources of a registry, and
 *   10,000 updates and 256 reports in a batch.
 * Reserved bytes and bits are zero from the sender and ignored by the receiver.
 * Results.  Every function that can fail returns a registry_code and, with any other than REGISTRY_OK,
 *   fills in a message for a person: one line, without secrets.
 * Evolution.  A published struct of data never changes: a new layout gets a new name and a new function.
 *   Function tables start with their size, and may grow at their end: check that `size` reaches past a
 *   function before you call it (REGISTRY_HAS). A higher minor version only adds to tables. The host
 *   loads a plugin whose major version is its own. What is optional is asked for by name: see
 *   get_extension on both sides.
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
  /* The instance has been told to stop, and nothing of it is taken any more. Not a fault. */
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

/* registry_affiliate_v1.flags: the record wasn't confirmed lately, and the registry keeps it only in case. It
 * is shown as stale, and gives way to any registry's fresh record. */
#define REGISTRY_AFFILIATE_STALE 0x1u
/* registry_affiliate_v1.flags: `node_id` isn't the node's identity, but what the registry itself calls the
 * machine by: stable for that machine (never its place in a list), and unique within its source. The host
 * finds out by names and addresses which node it is. */
#define REGISTRY_AFFILIATE_LOCAL_ID 0x2u

/* How a registry that checks nodes found one. An unknown number counts as REGISTRY_HEALTH_UNKNOWN. */
enum {
  REGISTRY_HEALTH_UNKNOWN = 0, /* the registry doesn't check */
  REGISTRY_HEALTH_READY = 1,
  REGISTRY_HEALTH_NOT_READY = 2
};

/* A node's label. Keys are not empty, and each is there once. */
typedef struct registry_label_v1 {
  registry_string_v1 key;
  registry_string_v1 value;
} registry_label_v1;

/* Everything that one registry knows of one node. What it doesn't know is empty, zero or NULL. */
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
  uint8_t reserved[2];
  uint32_t health; /* REGISTRY_HEALTH_... */
  /* Why it isn't ready, in one word for programs, such as KubeletNotReady: at most 64 bytes. */
  registry_string_v1 health_reason;
  /* When whom the registry asks last confirmed this, in milliseconds since 1970 UTC; 0: at this call. */
  int64_t confirmed_at;
  /* When the registry's object was made, in milliseconds since 1970 UTC; 0: unknown. It breaks ties, no more. */
  int64_t created_at;
  /* As in /etc/machine-id: 32 hexadecimal digits. Confidential: the host shows it to nobody else. */
  registry_string_v1 machine_id;
  /* At most 64 labels, whose keys and values have 4096 bytes together. */
  const registry_label_v1 *labels;
  size_t label_count;
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

/* What this node publishes of itself and of others, whole each time. */
typedef struct registry_publication_v1 {
  uint64_t revision; /* rises with each publication that isn't a repetition; and comes back by `published` */
  /* This node, its labels and machine id among it; NULL: withdraw what was published, the node leaves. */
  const registry_affiliate_v1 *local;
  const registry_seen_endpoints_v1 *seen;
  size_t seen_count;
} registry_publication_v1;

/* ---- What a registry knows ---- */

/* Why a node is gone. Whether it left or was lost can't be found out later. An unknown number counts as
 * REGISTRY_REASON_REMOVED. */
enum {
  /* As the registry's kind of records has it: expired where they are leases (REGISTRY_LEASES), else deleted. */
  REGISTRY_REASON_DEFAULT = 0,
  REGISTRY_REASON_WITHDRAWN = 1, /* the node itself said goodbye */
  REGISTRY_REASON_EXPIRED = 2,   /* its lease ended, and nobody renewed it */
  REGISTRY_REASON_DELETED = 3,   /* somebody took it out on purpose */
  REGISTRY_REASON_UNLISTED = 4,  /* a peer that came back from an outage doesn't list it any more */
  REGISTRY_REASON_REMOVED = 5    /* it is gone, and nobody said why */
};

/* What kind of update a registry_update_v1 is. */
enum {
  /* `affiliates` is everything that the source knows now; its nodes that aren't in it are gone, for `reason`.
   * Each node may be in it once. */
  REGISTRY_UPDATE_SNAPSHOT = 1,
  /* `affiliates` are new or changed; the previous record of each is replaced whole. */
  REGISTRY_UPDATE_UPSERT = 2,
  /* `node_ids` are gone, for `reason`. One that wasn't known is no error. */
  REGISTRY_UPDATE_REMOVE = 3,
  /* The source is no longer asked: its records are dropped. */
  REGISTRY_UPDATE_SOURCE_GONE = 4
};

/* A change of what one source knows.
 *
 * A source is one of several peers of a registry that each know nodes by themselves (two services, two
 * files): records of different sources stand beside each other and are merged like those of different
 * registries. Most registries have one source and pass empty text. A source's name is at most 256 bytes of
 * printable ASCII without a slash, and a registry has at most 64 sources. A source's first update is a
 * snapshot, an empty one where nothing is known. */
typedef struct registry_update_v1 {
  uint32_t kind;   /* REGISTRY_UPDATE_...; an unknown one is refused */
  uint32_t reason; /* REGISTRY_REASON_... */
  registry_string_v1 source;
  const registry_affiliate_v1 *affiliates;
  size_t affiliate_count;
  const registry_string_v1 *node_ids;
  size_t node_id_count;
} registry_update_v1;

/* What of a registry works or doesn't. The registry's state is its worst aspect, and all are shown. An
 * unknown number counts as REGISTRY_ASPECT_READING. */
enum {
  REGISTRY_ASPECT_READING = 0,    /* reaching and reading whom it asks; while it fails, its source is away */
  REGISTRY_ASPECT_CONTENT = 1,    /* what it reads can't all be used */
  REGISTRY_ASPECT_PUBLISHING = 2, /* what this node publishes isn't taken everywhere */
  REGISTRY_ASPECT_CREDENTIALS = 3 /* credentials that are about to end, or can't be renewed */
};

/* How one aspect is. */
typedef struct registry_report_v1 {
  uint32_t aspect;     /* REGISTRY_ASPECT_... */
  registry_code code;  /* REGISTRY_OK: it works; any other: it doesn't, and the registry goes on by itself */
  registry_string_v1 source; /* of which source; empty: of the registry, or of its only source */
  registry_string_v1 text;   /* why it doesn't work, for a person */
} registry_report_v1;

/* What took place at once: others see all of it or nothing. What is empty changes nothing. */
typedef struct registry_batch_v1 {
  const registry_update_v1 *updates;
  size_t update_count;
  const registry_report_v1 *reports;
  size_t report_count;
  /* The sources that will each have a snapshot, for a registry that has several and can't say all at once. The
   * registry counts as synced when each of them has had its first snapshot or is gone; without it, with the
   * first batch that has a snapshot. Given again, the new ones replace those before. */
  const registry_string_v1 *expected_sources;
  size_t expected_source_count;
} registry_batch_v1;

/* ---- What the host gives ---- */

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
 * Functions that return REGISTRY_STOPPED, REGISTRY_LIMIT_EXCEEDED or REGISTRY_INVALID_ARGUMENT have
 * changed nothing; the latter two have failed the registry with the message that they filled in.
 * `message` may be NULL. All are [any]; none blocks for longer than it takes to copy what it is given. */
typedef struct registry_host_v1 {
  uint32_t size; /* sizeof(registry_host_v1) where the host was compiled */
  uint16_t abi_major, abi_minor;
  void *context;
  registry_string_v1 name;    /* of the host program, "rollcall"; lives as long as the process */
  registry_string_v1 version; /* of the host program */

  /* Applies what the registry knows, and reports how it is. The first batch with updates has a snapshot. */
  registry_code (*apply)(void *context, const registry_batch_v1 *batch, registry_message_v1 *message);
  /* Reports how one aspect is; again at each change. The same as a batch with one report. */
  void (*report)(void *context, const registry_report_v1 *report);
  /* What became of the publication of that revision: REGISTRY_OK once others can see it (a withdrawal: once
   * they no longer do), or why that isn't so. The last outcome of a revision counts, and one of an older
   * revision than the newest given to `publish` is passed over. REGISTRY_UNSUPPORTED: this registry doesn't
   * publish, as it is set up; that is no trouble, and it isn't tried again. After any other failure the host
   * calls `publish` again with the same revision, after pauses that grow. */
  void (*published)(void *context, uint64_t revision, registry_code code, registry_string_v1 text);
  /* The registry is at its end. The host stops and destroys the instance, and later makes a new one. `code` is
   * why; REGISTRY_OK counts as REGISTRY_FAILED. */
  void (*failed)(void *context, registry_code code, registry_string_v1 text);
  /* Whom the registry asks sees this node under `address`. Again at each change. */
  void (*public_address)(void *context, registry_address_v1 address);
  /* One line for the log; `level` is one of REGISTRY_LOG_.... No secrets. Of a plugin that logs a lot a host may
   * leave lines out, and then says how many. */
  void (*log)(void *context, uint32_t level, registry_string_v1 text);
  /* A table of functions beyond this one, by its name, such as "rollcall.example/1"; NULL where the host
   * doesn't have it. What is returned lives as long as this table, and the name says what it is. */
  const void *(*get_extension)(void *context, registry_string_v1 id);
} registry_host_v1;

/* The name of an extension of the host, a `const uint64_t *`: for how many milliseconds what the registry can no
 * longer find still counts, as the person wants it who wrote the configuration (`staleAfter`). 0: not at all. */
#define REGISTRY_EXTENSION_STALE_AFTER "rollcall.stale-after/1"

/* What `create` is given. Lives until `create` returns. */
typedef struct registry_settings_v1 {
  registry_string_v1 name; /* the registry's name in the configuration, for messages */
  /* A JSON object, valid by the descriptor's schema. Options that nobody wrote are in it with the schema's
   * default, where it has one. See registry_option_text. */
  registry_string_v1 options;
  registry_string_v1 local_node_id; /* whom to leave out of snapshots and updates; empty: a mere observer */
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
/* registry_descriptor_v1.flags: records are leases that nodes renew themselves: one that ends means that
 * nobody renewed it. Lists that somebody writes (files, API objects) aren't leases, however often they are
 * read: membership isn't liveness. */
#define REGISTRY_LEASES 0x4u

/* What the plugin is. All of it lives as long as the process. */
typedef struct registry_descriptor_v1 {
  registry_string_v1 name;    /* unique among plugins: 1 to 64 of a-z 0-9 and '-', a letter first */
  registry_string_v1 version; /* of the plugin, for people; not empty */
  registry_string_v1 prefix;  /* of raw affiliate ids, "k8s" of "k8s/…"; written as a name is */
  registry_string_v1 summary; /* one line for people; not empty */
  /* A JSON Schema (an object schema) of the options. Keywords that the host checks: type, properties,
   * required, additionalProperties (false unless said), items, enum, minimum and maximum (of a number; of a
   * duration in seconds), minLength, maxLength, minItems, maxItems, default, description, writeOnly (a
   * secret: never shown), and format with ip, cidr, endpoint, duration, uri, base64; other formats ask for
   * nothing. Two of those let `rollcall config check --data` look at files: path, one that is read, and data-path,
   * one or a pattern of those that say which nodes there are, of a registry that reads nothing but files. Other
   * keywords, and a default that the schema itself refuses, are errors. Numbers only where a
   * person would write one. */
  registry_string_v1 options_schema;
  uint32_t flags; /* REGISTRY_PUBLISHES, REGISTRY_WANTS_CLUSTER_SECRET, REGISTRY_LEASES */
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
  /* [control] Begins to give the host what the registry knows, on threads of the plugin's own. Returns
   * within a second. Called once. On failure the instance is destroyed without `stop`. */
  registry_code (*start)(void *instance, registry_message_v1 *message);
  /* [control] Takes over what this node publishes, in place of what was given before; the plugin keeps it
   * published until the next call or `stop`. Returns within a second: the sending is the plugin's own
   * business, and its outcome is given to `published`, with the publication's revision. The same revision
   * again: try again. NULL unless the descriptor has REGISTRY_PUBLISHES. */
  registry_code (*publish)(void *instance, const registry_publication_v1 *publication,
                           registry_message_v1 *message);
  /* [control] Ends what `start` began. It may block, for up to `stop_timeout` milliseconds. A node that
   * leaves was given its withdrawal before, and `published` was waited for: `stop` itself withdraws nothing.
   * Once it has returned no thread of the instance calls the host. What the instance says meanwhile isn't
   * taken. An instance that takes longer is left alone for good, and `destroy` is not called. */
  void (*stop)(void *instance);
  /* [control] Frees the instance. After `stop`, or after `create` without `start`. Returns within a
   * second. */
  void (*destroy)(void *instance);
  /* [any] A table of functions beyond this one, by its name; NULL where the plugin doesn't have it. What is
   * returned lives as long as the process, and the name says what it is. The function itself may be NULL. */
  const void *(*get_extension)(registry_string_v1 id);
} registry_plugin_v1;

/* The name of an extension of a plugin, a `const registry_matching_v1 *`: how its records with local ids are joined to
 * the nodes that others know, where the person doesn't say it. Without it none is. */
#define REGISTRY_EXTENSION_MATCHING "rollcall.matching/1"

/* registry_matching_v1.flags: a machine that nobody else knows is listed, but no member of the cluster. */
#define REGISTRY_ALONE_AFFILIATE 0x1u

typedef struct registry_matching_v1 {
  /* What is compared, what says most first; at most 64: "machineID", "nodename", "publicKey", "hostname", "address",
   * "label:KEY"; "nodename: short" and "hostname: short" also match where a domain is left out. */
  const registry_string_v1 *keys;
  size_t key_count;
  uint32_t flags; /* REGISTRY_ALONE_AFFILIATE */
  uint32_t reserved;
} registry_matching_v1;

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

/* Applies one snapshot of `source`, empty text for the only one, and that reading works. */
static inline registry_code registry_apply_snapshot(const registry_host_v1 *host, registry_string_v1 source,
                                                    const registry_affiliate_v1 *affiliates, size_t count,
                                                    registry_message_v1 *message) {
  registry_update_v1 update;
  registry_report_v1 report;
  registry_batch_v1 batch;
  memset(&update, 0, sizeof update);
  memset(&report, 0, sizeof report);
  memset(&batch, 0, sizeof batch);
  update.kind = REGISTRY_UPDATE_SNAPSHOT;
  update.source = report.source = source;
  update.affiliates = affiliates;
  update.affiliate_count = count;
  report.aspect = REGISTRY_ASPECT_READING;
  batch.updates = &update;
  batch.update_count = 1;
  batch.reports = &report;
  batch.report_count = 1;
  return host->apply(host->context, &batch, message);
}

/* Reports that reading from `source` doesn't work, and that the registry tries again by itself. */
static inline void registry_report_trouble(const registry_host_v1 *host, registry_string_v1 source,
                                           registry_code code, const char *text) {
  registry_report_v1 report;
  memset(&report, 0, sizeof report);
  report.aspect = REGISTRY_ASPECT_READING;
  report.code = code;
  report.source = source;
  report.text = registry_string(text);
  host->report(host->context, &report);
}

#ifdef __cplusplus
}
#endif

#endif
