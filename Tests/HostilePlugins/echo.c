/* Gives back, as its nodes, what it was given: its settings in `create`, and each publication. */
#include "hostile.h"

typedef struct {
  const registry_host_v1 *host;
  char hostname[512];
} echo;

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)message;
  echo *own = calloc(1, sizeof *own);
  own->host = host;
  snprintf(own->hostname, sizeof own->hostname, "%.*s|%.*s|%.*s|%.*s|%.*s|%u|%.*s", (int)settings->name.length,
           settings->name.data, (int)settings->options.length, settings->options.data,
           (int)settings->local_node_id.length, settings->local_node_id.data,
           (int)settings->cluster_id.length, settings->cluster_id.data,
           (int)settings->cluster_secret.length, settings->cluster_secret.data, settings->stop_timeout,
           (int)host->name.length, host->name.data);
  *instance = own;
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  echo *own = instance;
  registry_affiliate_v1 one = node("settings");
  one.hostname = registry_string(own->hostname);
  return snapshot(own->host, &one, 1, message);
}

static registry_code publish(void *instance, const registry_publication_v1 *publication,
                             registry_message_v1 *message) {
  echo *own = instance;
  registry_code code = snapshot(own->host, publication->local, publication->local ? 1 : 0, message);
  if (code == REGISTRY_OK)
    own->host->published(own->host->context, publication->revision, REGISTRY_OK, registry_string(""));
  return code;
}

static const registry_descriptor_v1 descriptor = {
    TEXT("echo"), TEXT("1"), TEXT("echo"), TEXT("Echoes"), TEXT("{\"type\":\"object\"}"), REGISTRY_PUBLISHES | FLAGS, 0};
static const registry_plugin_v1 table = {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR,
                                         &descriptor, create, start, publish, plain_stop, plain_destroy, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
