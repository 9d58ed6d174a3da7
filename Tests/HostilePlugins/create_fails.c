/* Can't be made. */
#include "hostile.h"

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)host, (void)settings, (void)instance;
  return registry_fail(message, REGISTRY_PERMISSION_DENIED, "the rack's door is\nlocked");
}

PLUGIN("create-fails", create, plain_start, plain_stop, plain_destroy)
