/* Nothing is wrong with this one. */
#include "hostile.h"

PLUGIN("plain", plain_create, plain_start, plain_stop, plain_destroy)
