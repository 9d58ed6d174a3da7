/* Its table ends before `stop`. SIZE: what it says of itself. */
#include "hostile.h"

static const registry_descriptor_v1 descriptor = DESCRIPTOR("small-table");
static const registry_plugin_v1 table = {SIZE, REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, &descriptor,
                                         plain_create, plain_start, NULL, plain_stop, plain_destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
