/* What the plugins of this folder have in common: a well-behaved plugin, of which each changes one thing. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "registry_plugin.h"

#define UNUSED __attribute__((unused))

typedef struct {
  const registry_host_v1 *host;
} plain_instance;

/* A node called `id`, and nothing else. */
static UNUSED registry_affiliate_v1 node(const char *id) {
  registry_affiliate_v1 affiliate;
  memset(&affiliate, 0, sizeof affiliate);
  affiliate.node_id = registry_string(id);
  affiliate.nodename = registry_string(id);
  return affiliate;
}

/* Applies a snapshot of the only source. */
static UNUSED registry_code snapshot(const registry_host_v1 *host, const registry_affiliate_v1 *affiliates,
                                     size_t count, registry_message_v1 *message) {
  return registry_apply_snapshot(host, registry_string(""), affiliates, count, message);
}

/* Applies one update, and nothing else. */
static UNUSED registry_code update_only(const registry_host_v1 *host, const registry_update_v1 *update,
                                        registry_message_v1 *message) {
  registry_batch_v1 batch;
  memset(&batch, 0, sizeof batch);
  batch.updates = update;
  batch.update_count = 1;
  return host->apply(host->context, &batch, message);
}

static UNUSED registry_code upsert(const registry_host_v1 *host, registry_string_v1 source,
                                   const registry_affiliate_v1 *affiliate, registry_message_v1 *message) {
  registry_update_v1 update;
  memset(&update, 0, sizeof update);
  update.kind = REGISTRY_UPDATE_UPSERT;
  update.source = source;
  update.affiliates = affiliate;
  update.affiliate_count = 1;
  return update_only(host, &update, message);
}

static UNUSED registry_code remove_node(const registry_host_v1 *host, registry_string_v1 source,
                                        registry_string_v1 node_id, uint32_t reason,
                                        registry_message_v1 *message) {
  registry_update_v1 update;
  memset(&update, 0, sizeof update);
  update.kind = REGISTRY_UPDATE_REMOVE;
  update.reason = reason;
  update.source = source;
  update.node_ids = &node_id;
  update.node_id_count = 1;
  return update_only(host, &update, message);
}

static UNUSED registry_code source_gone(const registry_host_v1 *host, registry_string_v1 source,
                                        registry_message_v1 *message) {
  registry_update_v1 update;
  memset(&update, 0, sizeof update);
  update.kind = REGISTRY_UPDATE_SOURCE_GONE;
  update.source = source;
  return update_only(host, &update, message);
}

/* Names the sources that will each have a snapshot. */
static UNUSED registry_code expect_sources(const registry_host_v1 *host, const registry_string_v1 *sources,
                                           size_t count, registry_message_v1 *message) {
  registry_batch_v1 batch;
  memset(&batch, 0, sizeof batch);
  batch.expected_sources = sources;
  batch.expected_source_count = count;
  return host->apply(host->context, &batch, message);
}

static UNUSED void pause_ms(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static UNUSED registry_code plain_create(const registry_host_v1 *host, const registry_settings_v1 *settings,
                                         void **instance, registry_message_v1 *message) {
  (void)settings, (void)message;
  plain_instance *plain = malloc(sizeof *plain);
  plain->host = host;
  *instance = plain;
  return REGISTRY_OK;
}

static UNUSED registry_code plain_start(void *instance, registry_message_v1 *message) {
  registry_affiliate_v1 one = node("plain-1");
  return snapshot(((plain_instance *)instance)->host, &one, 1, message);
}

static UNUSED void plain_stop(void *instance) { (void)instance; }

static UNUSED void plain_destroy(void *instance) { free(instance); }

#define TEXT(literal) {literal, sizeof(literal) - 1}

#define DESCRIPTOR(name)                                                                          \
  {TEXT(name), TEXT("1.0.0"), TEXT("hostile"), TEXT("A plugin for tests"), TEXT("{\"type\":\"object\"}"), 0, 0}

#define TABLE(descriptor, create, start, stop, destroy)                                           \
  {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, descriptor, create,        \
   start, NULL, stop, destroy, NULL}

/* The plugin `name` of these functions. */
#define PLUGIN(name, create, start, stop, destroy)                                                \
  static const registry_descriptor_v1 descriptor = DESCRIPTOR(name);                              \
  static const registry_plugin_v1 table = TABLE(&descriptor, create, start, stop, destroy);       \
  const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }

#endif
