/* Keeps the rules of a registry, or breaks the one that FAULT names. While the file BROKEN exists it can't read. */
#include "hostile.h"
#include <stdatomic.h>

enum { FAULT_none, FAULT_changeFirst, FAULT_twice, FAULT_silent, FAULT_namedInVain, FAULT_forgets, FAULT_refuses };

typedef struct {
  const registry_host_v1 *host;
  atomic_int is_stopping;
  pthread_t thread;
} specimen;

static void *follow(void *argument) {
  specimen *own = argument;
  const registry_host_v1 *host = own->host;
  registry_affiliate_v1 nodes[2] = {node("n1"), node("n1")};
  registry_string_v1 only = registry_string(""), sources[2] = {only, registry_string("silent")};
  if (FAULT == FAULT_silent) return NULL;
  if (FAULT == FAULT_changeFirst) upsert(host, only, nodes, NULL);
  if (FAULT == FAULT_twice) snapshot(host, nodes, 2, NULL);
  if (FAULT == FAULT_namedInVain) expect_sources(host, sources, 2, NULL);
  snapshot(host, nodes, 1, NULL);
  for (int was_broken = 0; !own->is_stopping; pause_ms(2)) {
    int is_broken = access(BROKEN, F_OK) == 0;
    if (is_broken && !was_broken) {
      if (FAULT == FAULT_forgets) snapshot(host, NULL, 0, NULL);
      registry_report_trouble(host, only, REGISTRY_UNAVAILABLE, "broken");
    }
    if (!is_broken && was_broken) snapshot(host, nodes, 1, NULL);
    was_broken = is_broken;
  }
  return NULL;
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)settings, (void)message;
  specimen *own = calloc(1, sizeof *own);
  own->host = host;
  *instance = own;
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  specimen *own = instance;
  if (pthread_create(&own->thread, NULL, follow, own) != 0)
    return registry_fail(message, REGISTRY_UNAVAILABLE, "no thread");
  return REGISTRY_OK;
}

static registry_code publish(void *instance, const registry_publication_v1 *publication,
                             registry_message_v1 *message) {
  const registry_host_v1 *host = ((specimen *)instance)->host;
  if (FAULT == FAULT_refuses) return registry_fail(message, REGISTRY_PERMISSION_DENIED, "none of it");
  host->published(host->context, publication->revision, REGISTRY_OK, registry_string(""));
  return REGISTRY_OK;
}

static void stop(void *instance) {
  specimen *own = instance;
  own->is_stopping = 1;
  pthread_join(own->thread, NULL);
}

static const registry_descriptor_v1 descriptor = {TEXT("specimen"),
                                                  TEXT("1"),
                                                  TEXT("specimen"),
                                                  TEXT("A specimen"),
                                                  TEXT("{\"type\":\"object\"}"),
                                                  REGISTRY_PUBLISHES,
                                                  0};
static const registry_plugin_v1 table = {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR,
                                         &descriptor, create, start, publish, stop, plain_destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
