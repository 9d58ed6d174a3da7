/* Made for the next version of the boundary. */
#include "hostile.h"

static const registry_descriptor_v1 descriptor = DESCRIPTOR("wrong-major");
static const registry_plugin_v1 table = {sizeof(registry_plugin_v1), 2, 7, &descriptor, plain_create,
                                         plain_start, NULL, plain_stop, plain_destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
