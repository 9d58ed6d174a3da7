/* One field of its table or descriptor isn't what it should be: `CHANGE`, a statement. */
#include "hostile.h"

static registry_descriptor_v1 descriptor = DESCRIPTOR("null-field");
static registry_plugin_v1 table = TABLE(&descriptor, plain_create, plain_start, plain_stop, plain_destroy);

__attribute__((constructor)) static void change(void) { CHANGE; }

const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
