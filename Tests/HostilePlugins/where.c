/* Says as what file the system's loader knows it, and where in memory it begins. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "hostile.h"

static registry_code start(void *instance, registry_message_v1 *message) {
  registry_affiliate_v1 one = node("where");
  char base[32];
  Dl_info info;
  if (!dladdr((void *)start, &info)) return registry_fail(message, REGISTRY_FAILED, "dladdr");
  snprintf(base, sizeof base, "%lx", (unsigned long)info.dli_fbase);
  one.hostname = registry_string(info.dli_fname);
  one.nodename = registry_string(base);
  return snapshot(((plain_instance *)instance)->host, &one, 1, message);
}

PLUGIN("where", plain_create, start, plain_stop, plain_destroy)
