/* Needs a function that nobody has. */
#include "hostile.h"

void nobody_has_this(void);

static void stop(void *instance) {
  (void)instance;
  nobody_has_this();
}

PLUGIN("unresolved", plain_create, plain_start, stop, plain_destroy)
