/* Takes a while to load. */
#include "hostile.h"

__attribute__((constructor)) static void slow(void) { pause_ms(500); }

PLUGIN("slow-constructor", plain_create, plain_start, plain_stop, plain_destroy)
