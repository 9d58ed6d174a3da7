/* A plugin for the benchmark of the boundary: applies NODES nodes, all at once and then one by one. */
#include <stdio.h>
#include <stdlib.h>

#include "registry_plugin.h"

typedef struct {
  char id[48];
  char name[32];
  registry_address_v1 addresses[2];
  registry_endpoint_v1 endpoints[2];
} node_memory;

static node_memory memory[NODES];
static registry_affiliate_v1 nodes[NODES];

__attribute__((constructor)) static void fill(void) {
  for (size_t i = 0; i < NODES; i++) {
    node_memory *own = &memory[i];
    snprintf(own->id, sizeof own->id, "%010zuUtoh3O0ZneV0kT2IUBrh7TgdouRcUW2yza", i);
    snprintf(own->name, sizeof own->name, "rack-worker-number-%zu", i);
    for (int n = 0; n < 2; n++) {
      own->addresses[n].family = n ? 6 : 4;
      memcpy(own->addresses[n].bytes, &i, sizeof i);
      if (!n) memset(own->addresses[n].bytes + 4, 0, 12);
      own->endpoints[n].address = own->addresses[n];
      own->endpoints[n].port = 51820;
    }
    nodes[i].node_id = registry_string(own->id);
    nodes[i].hostname = nodes[i].nodename = registry_string(own->name);
    nodes[i].operating_system = registry_string("Debian GNU/Linux 12 (bookworm)");
    nodes[i].machine_type = REGISTRY_MACHINE_WORKER;
    nodes[i].addresses = own->addresses;
    nodes[i].address_count = 2;
    nodes[i].public_key = registry_string("QDUG5clQTWa5IHBBGIVXNHTPoWSBYUhfvYyjwTcHdmc=");
    nodes[i].kubespan_address = own->addresses[1];
    nodes[i].endpoints = own->endpoints;
    nodes[i].endpoint_count = 2;
  }
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)settings, (void)message;
  *instance = (void *)host;
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  const registry_host_v1 *host = instance;
  registry_string_v1 only = registry_string("");
  registry_code code = registry_apply_snapshot(host, only, nodes, NODES, message);
  registry_update_v1 update;
  registry_batch_v1 batch;
  memset(&update, 0, sizeof update);
  memset(&batch, 0, sizeof batch);
  update.kind = REGISTRY_UPDATE_UPSERT;
  update.source = only;
  update.affiliate_count = 1;
  batch.updates = &update;
  batch.update_count = 1;
  for (size_t i = 0; code == REGISTRY_OK && i < NODES; i++) {
    update.affiliates = &nodes[i];
    code = host->apply(host->context, &batch, message);
  }
  return code;
}

static void nothing(void *instance) { (void)instance; }

#define TEXT(literal) {literal, sizeof(literal) - 1}
static const registry_descriptor_v1 descriptor = {
    TEXT("many"), TEXT("1"), TEXT("many"), TEXT("Many nodes"), TEXT("{\"type\":\"object\"}"), 0, 0};
static const registry_plugin_v1 plugin = {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR,
                                          &descriptor, create, start, NULL, nothing, nothing, NULL};
const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &plugin; }
