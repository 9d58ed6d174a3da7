/* Doesn't say what it is before there is the file `GATE`, which a test makes. It waits here and not in a
 * constructor, as the system's loader holds a lock then that the test's own program needs too. */
#include "hostile.h"

static const registry_descriptor_v1 descriptor = DESCRIPTOR("slow");
static const registry_plugin_v1 table = TABLE(&descriptor, plain_create, plain_start, plain_stop, plain_destroy);

REGISTRY_EXPORT const registry_plugin_v1 *registry_plugin_entry_v1(void) {
  while (access(GATE, F_OK) != 0) pause_ms(5);
  return &table;
}
