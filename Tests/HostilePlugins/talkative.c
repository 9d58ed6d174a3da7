/* Logs without end while it starts. */
#include "hostile.h"

static registry_code start(void *instance, registry_message_v1 *message) {
  const registry_host_v1 *host = ((plain_instance *)instance)->host;
  (void)message;
  for (int line = 0; line < 100000; line++)
    host->log(host->context, REGISTRY_LOG_INFO, registry_string("again"));
  snapshot(host, NULL, 0, NULL);
  return REGISTRY_OK;
}

PLUGIN("talkative", plain_create, start, plain_stop, plain_destroy)
