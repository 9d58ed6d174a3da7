/* Doesn't return from one function, until it is let go: HANG_CREATE, HANG_START, HANG_STOP, HANG_DESTROY or
 * HANG_PUBLISH. */
#include "hostile.h"

static _Atomic int released;

/* Lets all calls go on that hang. */
REGISTRY_EXPORT int hangs_release(void) { return released = 1; }

static UNUSED void hang(void) {
  while (!released) pause_ms(10);
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
#ifdef HANG_CREATE
  hang();
#endif
  return plain_create(host, settings, instance, message);
}

static registry_code start(void *instance, registry_message_v1 *message) {
#ifdef HANG_START
  hang();
#endif
  return plain_start(instance, message);
}

static registry_code publish(void *instance, const registry_publication_v1 *publication,
                             registry_message_v1 *message) {
  (void)instance, (void)publication, (void)message;
#ifdef HANG_PUBLISH
  hang();
#endif
  return REGISTRY_OK;
}

static void stop(void *instance) {
  (void)instance;
#ifdef HANG_STOP
  hang();
#endif
}

static void destroy(void *instance) {
#ifdef HANG_DESTROY
  hang();
#endif
  plain_destroy(instance);
}

static const registry_descriptor_v1 descriptor = {
    TEXT("hangs"), TEXT("1"), TEXT("hangs"), TEXT("Hangs"), TEXT("{\"type\":\"object\"}"), REGISTRY_PUBLISHES, 0};
static const registry_plugin_v1 table = {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR,
                                         &descriptor, create, start, publish, stop, destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
