/* Publishes: refuses the first REFUSALS publications in `publish` itself, and takes the others. With LATE it says so from
 * a thread of its own, after a failure of the same revision. */
#include "hostile.h"

typedef struct {
  const registry_host_v1 *host;
  int refused;
  uint64_t revision;
  int has_thread;
  pthread_t thread;
} publisher;

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)settings, (void)message;
  publisher *own = calloc(1, sizeof *own);
  own->host = host;
  *instance = own;
  return REGISTRY_OK;
}

static UNUSED void *take_late(void *argument) {
  publisher *own = argument;
  own->host->published(own->host->context, own->revision, REGISTRY_UNAVAILABLE,
                       registry_string("the printer warms up"));
  own->host->published(own->host->context, own->revision, REGISTRY_OK, registry_string(""));
  return NULL;
}

static registry_code publish(void *instance, const registry_publication_v1 *publication,
                             registry_message_v1 *message) {
  publisher *own = instance;
  if (own->refused < REFUSALS) {
    own->refused++;
    return registry_fail(message, REGISTRY_PERMISSION_DENIED, "no ink");
  }
  own->revision = publication->revision;
#ifdef LATE
  if (!own->has_thread && pthread_create(&own->thread, NULL, take_late, own) == 0) own->has_thread = 1;
#else
  own->host->published(own->host->context, own->revision, REGISTRY_OK, registry_string(""));
#endif
  return REGISTRY_OK;
}

static void stop(void *instance) {
  publisher *own = instance;
  if (own->has_thread) pthread_join(own->thread, NULL);
}

static const registry_descriptor_v1 descriptor = {TEXT("publishes"),
                                                  TEXT("1"),
                                                  TEXT("publishes"),
                                                  TEXT("Publishes"),
                                                  TEXT("{\"type\":\"object\"}"),
                                                  REGISTRY_PUBLISHES,
                                                  0};
static const registry_plugin_v1 table = {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR,
                                         &descriptor, create, plain_start, publish, stop, plain_destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
