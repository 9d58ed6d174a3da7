/* Its entry has nothing to give. */
#include "hostile.h"

const registry_plugin_v1 *registry_plugin_entry_v1(void) { return NULL; }
