/* Can't be started, and must not be stopped then, but destroyed. */
#include "hostile.h"

static registry_code start(void *instance, registry_message_v1 *message) {
  (void)instance;
  return registry_fail(message, REGISTRY_UNAVAILABLE, "the rack isn't there");
}

static void stop(void *instance) {
  (void)instance;
  abort();
}

PLUGIN("start-fails", plain_create, start, stop, plain_destroy)
