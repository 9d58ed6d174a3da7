/* A registry in C: the machines of a file such as /etc/hosts. Each line has an address and a name; the lines
 * of one name are one machine with several addresses. The file is looked at each `interval`.
 *
 * Build:  cc -shared -fPIC -fvisibility=hidden -pthread -I Sources/CRegistryPlugin/include \
 *            -o librollcall-hosts.so Docs/Examples/CRegistry/registry.c
 * Use:    registries: { hosts: { path: /etc/hosts } }   with ROLLCALL_PLUGIN_PATH=<the folder of the .so>
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "registry_options.h"

enum { MOST_NODES = 1000, MOST_ADDRESSES = 8, NAME_SIZE = 257 };

typedef struct {
  const registry_host_v1 *host;
  char path[4096];
  int64_t interval; /* milliseconds */
  char names[MOST_NODES][NAME_SIZE];
  registry_address_v1 addresses[MOST_NODES][MOST_ADDRESSES];
  registry_affiliate_v1 nodes[MOST_NODES];
  size_t count;
  int has_applied, wake[2]; /* a pipe that ends the thread's wait */
  pthread_t thread;
} hosts;

/* The node called `name`, as it is so far or new; NULL where there is no room. A name is no identity: it is
 * what this registry calls the machine by, and the host finds out which node that is. */
static registry_affiliate_v1 *node_called(hosts *self, const char *name) {
  for (size_t i = 0; i < self->count; i++)
    if (!strcmp(self->names[i], name)) return &self->nodes[i];
  if (self->count == MOST_NODES) return NULL;
  registry_affiliate_v1 *node = memset(&self->nodes[self->count], 0, sizeof *node);
  node->node_id = node->hostname = node->nodename = registry_string(strcpy(self->names[self->count], name));
  node->flags = REGISTRY_AFFILIATE_LOCAL_ID;
  node->addresses = self->addresses[self->count++];
  return node;
}

static void read_lines(hosts *self, FILE *file) {
  char line[1024], text[64], name[NAME_SIZE];
  for (self->count = 0; fgets(line, sizeof line, file);) {
    registry_address_v1 address = {{0}, strchr(line, ':') ? 6 : 4, {0}};
    if (sscanf(line, "%63s %256s", text, name) != 2 || text[0] == '#') continue;
    if (name[strspn(name, "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")]) continue;
    if (inet_pton(address.family == 6 ? AF_INET6 : AF_INET, text, address.bytes) != 1) continue;
    /* localhost and groups of machines are nobody in particular. */
    if (address.bytes[0] == (address.family == 4 ? 127 : 0xff)) continue;
    if (!memcmp(address.bytes, &in6addr_loopback, 16)) continue;
    registry_affiliate_v1 *node = node_called(self, name);
    if (node && node->address_count < MOST_ADDRESSES)
      self->addresses[node - self->nodes][node->address_count++] = address;
  }
}

/* Applies what is in the file. One that can't be read leaves what was applied before, nothing at first. */
static void look(hosts *self) {
  FILE *file = fopen(self->path, "r");
  if (file) {
    read_lines(self, file);
    fclose(file);
    registry_apply_snapshot(self->host, registry_string(""), self->nodes, self->count, NULL);
  } else {
    char text[5000];
    snprintf(text, sizeof text, "%s: %s", self->path, strerror(errno));
    registry_update_v1 nothing = {.kind = REGISTRY_UPDATE_SNAPSHOT};
    registry_report_v1 trouble = {REGISTRY_ASPECT_READING, REGISTRY_UNAVAILABLE, {0}, registry_string(text)};
    registry_batch_v1 batch = {&nothing, !self->has_applied, &trouble, 1, NULL, 0};
    self->host->apply(self->host->context, &batch, NULL);
  }
  self->has_applied = 1;
}

static void *watch(void *argument) {
  hosts *self = argument;
  do look(self);
  while (poll(&(struct pollfd){self->wake[0], POLLIN, 0}, 1, (int)self->interval) <= 0);
  return NULL;
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings,
                            void **instance, registry_message_v1 *message) {
  hosts *self = calloc(1, sizeof *self);
  if (!self) return registry_fail(message, REGISTRY_FAILED, "out of memory");
  registry_code code = registry_option_path(settings, "path", self->path, sizeof self->path, message);
  if (!code) code = registry_option_duration(settings->options, "interval", &self->interval, message);
  if (!code && (self->interval < 1 || self->interval > 86400000))
    code = registry_fail(message, REGISTRY_INVALID_ARGUMENT, "option 'interval' should be 1ms to 1d");
  if (!code && pipe(self->wake)) code = registry_fail(message, REGISTRY_FAILED, strerror(errno));
  if (code) return free(self), code;
  return self->host = host, *instance = self, REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  if (pthread_create(&((hosts *)instance)->thread, NULL, watch, instance) == 0) return REGISTRY_OK;
  return registry_fail(message, REGISTRY_FAILED, "can't make a thread");
}

static void stop(void *instance) {
  hosts *self = instance;
  if (write(self->wake[1], "", 1) == 1) pthread_join(self->thread, NULL);
}

static void destroy(void *instance) {
  close(((hosts *)instance)->wake[0]), close(((hosts *)instance)->wake[1]), free(instance);
}

#define TEXT(literal) {literal, sizeof(literal) - 1}
static const registry_descriptor_v1 descriptor = {TEXT("hosts"), TEXT("1.0.0"), TEXT("hosts"),
  TEXT("The machines of a file such as /etc/hosts"),
  TEXT("{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\",\"default\":\"/etc/hosts\"},"
       "\"interval\":{\"type\":\"string\",\"format\":\"duration\",\"default\":\"1s\"}}}"), 0, 0};
static const registry_plugin_v1 plugin = {sizeof plugin, REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, &descriptor,
                                          create, start, NULL, stop, destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &plugin; }
