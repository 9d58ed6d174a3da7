/* Calls the host from within each of its own functions. */
#include "hostile.h"

static void say(const registry_host_v1 *host, const char *word) {
  registry_affiliate_v1 one = node(word);
  host->log(host->context, REGISTRY_LOG_INFO, registry_string(word));
  snapshot(host, &one, 1, NULL);
  registry_report_trouble(host, registry_string(""), REGISTRY_UNAVAILABLE, word);
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  say(host, "create");
  return plain_create(host, settings, instance, message);
}

static registry_code start(void *instance, registry_message_v1 *message) {
  (void)message;
  say(((plain_instance *)instance)->host, "start");
  return REGISTRY_OK;
}

static void stop(void *instance) { say(((plain_instance *)instance)->host, "stop"); }

static void destroy(void *instance) {
  say(((plain_instance *)instance)->host, "destroy");
  plain_destroy(instance);
}

PLUGIN("chatty", create, start, stop, destroy)
