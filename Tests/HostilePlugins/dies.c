/* Does harm to the process that it is in: `DEED`, statements, at the `MOMENT`: 0 when it is loaded, 1 in create, 2 in
 * start, 3 in a thread of its own shortly after its snapshot, 4 in stop. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "hostile.h"

#ifndef NAME
#define NAME "dies"
#endif

static void deed(void) { DEED; }

static UNUSED void *later(void *argument) {
  (void)argument;
  pause_ms(100);
  deed();
  return NULL;
}

#if MOMENT == 0
__attribute__((constructor)) static void loaded(void) { deed(); }
#endif

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
#if MOMENT == 1
  deed();
#endif
  return plain_create(host, settings, instance, message);
}

static registry_code start(void *instance, registry_message_v1 *message) {
#if MOMENT == 2
  deed();
#endif
  registry_code code = plain_start(instance, message);
#if MOMENT == 3
  pthread_t thread;
  pthread_create(&thread, NULL, later, NULL);
  pthread_detach(thread);
#endif
  return code;
}

static void stop(void *instance) {
#if MOMENT == 4
  deed();
#endif
  plain_stop(instance);
}

PLUGIN(NAME, create, start, stop, plain_destroy)
