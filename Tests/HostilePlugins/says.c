/* Says one wrong thing when it is started: `SAY`, statements that set `code`. */
#include "hostile.h"

static registry_code start(void *instance, registry_message_v1 *message) {
  const registry_host_v1 *host = ((plain_instance *)instance)->host;
  const registry_string_v1 one UNUSED = registry_string("");
  registry_affiliate_v1 nodes[2] = {node("n1"), node("n2")};
  registry_address_v1 address UNUSED;
  registry_prefix_v1 prefix UNUSED;
  memset(&address, 0, sizeof address);
  memset(&prefix, 0, sizeof prefix);
  address.family = 4;
  prefix.address = address;
  registry_code code = REGISTRY_OK;
  SAY;
  (void)host, (void)nodes, (void)message;
  /* The host has failed the registry by itself where it refused what was said. */
  return code == REGISTRY_OK || code == REGISTRY_INVALID_ARGUMENT || code == REGISTRY_LIMIT_EXCEEDED
             ? REGISTRY_OK
             : code;
}

PLUGIN("says", plain_create, start, plain_stop, plain_destroy)
