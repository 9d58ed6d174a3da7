/* A registry in C: the nodes of a file such as /etc/hosts. Each line has an address and a name; the file is
 * looked at every second, and told when it changed.
 *
 * Build:  cc -shared -fPIC -fvisibility=hidden -pthread -I Sources/CRegistryPlugin/include \
 *            -o librollcall-hosts.so Docs/Examples/CRegistry/registry.c
 * Use:    registries: { hosts: { path: /etc/hosts } }   with ROLLCALL_PLUGIN_PATH=<the folder of the .so>
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "registry_plugin.h"

enum { MOST_NODES = 1000, NAME_SIZE = 257 };

typedef struct {
  const registry_host_v1 *host;
  char path[4096];
  char names[MOST_NODES][NAME_SIZE];
  registry_address_v1 addresses[MOST_NODES];
  registry_affiliate_v1 nodes[MOST_NODES];
  int stopping;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
} hosts;

static int parse_address(const char *text, registry_address_v1 *address) {
  memset(address, 0, sizeof *address);
  address->family = strchr(text, ':') ? 6 : 4;
  return inet_pton(address->family == 6 ? AF_INET6 : AF_INET, text, address->bytes) == 1;
}

/* Reads the file and tells what is in it. A file that can't be read leaves what was told before. */
static void tell(hosts *self) {
  const registry_host_v1 *host = self->host;
  FILE *file = fopen(self->path, "r");
  if (!file) {
    char text[5000];
    snprintf(text, sizeof text, "%s: %s", self->path, strerror(errno));
    host->status(host->context, REGISTRY_STATE_DEGRADED, REGISTRY_UNAVAILABLE, registry_string(text));
    return;
  }
  char line[1024], address[64];
  size_t count = 0;
  while (count < MOST_NODES && fgets(line, sizeof line, file)) {
    char *name = self->names[count];
    if (sscanf(line, "%63s %256s", address, name) != 2 || address[0] == '#' || strchr(name, '/')) continue;
    if (!parse_address(address, &self->addresses[count])) continue;
    size_t twin = 0;
    while (twin < count && strcmp(self->names[twin], name)) twin++;
    if (twin < count) continue; /* each node may be in a snapshot once */
    registry_affiliate_v1 *node = &self->nodes[count];
    memset(node, 0, sizeof *node);
    node->node_id = node->hostname = node->nodename = registry_string(name);
    node->addresses = &self->addresses[count];
    node->address_count = 1;
    count++;
  }
  fclose(file);
  host->status(host->context, REGISTRY_STATE_HEALTHY, REGISTRY_OK, registry_string(""));
  host->snapshot(host->context, registry_string(""), self->nodes, count, NULL);
}

static void *watch(void *argument) {
  hosts *self = argument;
  pthread_mutex_lock(&self->lock);
  while (!self->stopping) {
    tell(self);
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    next.tv_sec += 1;
    pthread_cond_timedwait(&self->wake, &self->lock, &next);
  }
  pthread_mutex_unlock(&self->lock);
  return NULL;
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  hosts *self = calloc(1, sizeof *self);
  if (!self) return registry_fail(message, REGISTRY_FAILED, "out of memory");
  char options[4096];
  snprintf(options, sizeof options, "%.*s", (int)settings->options.length, settings->options.data);
  const char *path = strstr(options, "\"path\""); /* a real plugin brings a JSON parser */
  if (!path || sscanf(path, "\"path\" : \"%4095[^\"]", self->path) != 1) strcpy(self->path, "/etc/hosts");
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->wake, NULL);
  self->host = host;
  *instance = self;
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  hosts *self = instance;
  if (pthread_create(&self->thread, NULL, watch, self) == 0) return REGISTRY_OK;
  return registry_fail(message, REGISTRY_FAILED, "can't make a thread");
}

static void stop(void *instance) {
  hosts *self = instance;
  pthread_mutex_lock(&self->lock);
  self->stopping = 1;
  pthread_cond_signal(&self->wake);
  pthread_mutex_unlock(&self->lock);
  pthread_join(self->thread, NULL);
}

static void destroy(void *instance) { free(instance); }
#define TEXT(literal) {literal, sizeof(literal) - 1}
static const registry_descriptor_v1 descriptor = {TEXT("hosts"), TEXT("1.0.0"), TEXT("hosts"),
  TEXT("The nodes of a file such as /etc/hosts"),
  TEXT("{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"}}}"), 0, 0};
static const registry_plugin_v1 plugin = {sizeof plugin, REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, &descriptor,
                                          create, start, NULL, stop, destroy};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &plugin; }
