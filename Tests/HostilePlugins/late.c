/* Goes on calling the host for ever: after `stop`, and after `destroy`. */
#include "hostile.h"
#include <stdatomic.h>

static atomic_int last_code = -1;
static atomic_int stopped_calls;

__attribute__((visibility("default"))) int late_last_code(void) { return last_code; }
__attribute__((visibility("default"))) int late_stopped_calls(void) { return stopped_calls; }

static void *speak(void *host_pointer) {
  const registry_host_v1 *host = host_pointer;
  registry_affiliate_v1 one = node("late-1");
  for (;;) {
    last_code = snapshot(host, &one, 1, NULL);
    if (last_code == REGISTRY_STOPPED) stopped_calls++;
    host->log(host->context, REGISTRY_LOG_INFO, registry_string("still here"));
    pause_ms(1);
  }
  return NULL;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, speak, (void *)((plain_instance *)instance)->host) != 0)
    return registry_fail(message, REGISTRY_FAILED, "no thread");
  pthread_detach(thread);
  return REGISTRY_OK;
}

PLUGIN("late", plain_create, start, plain_stop, plain_destroy)
