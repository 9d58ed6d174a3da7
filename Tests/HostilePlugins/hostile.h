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

static UNUSED registry_code tell(const registry_host_v1 *host, const registry_affiliate_v1 *affiliates,
                                 size_t count, registry_message_v1 *message) {
  return host->snapshot(host->context, registry_string(""), affiliates, count, message);
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
  return tell(((plain_instance *)instance)->host, &one, 1, message);
}

static UNUSED void plain_stop(void *instance) { (void)instance; }

static UNUSED void plain_destroy(void *instance) { free(instance); }

#define TEXT(literal) {literal, sizeof(literal) - 1}

#define DESCRIPTOR(name)                                                                          \
  {TEXT(name), TEXT("1.0.0"), TEXT("hostile"), TEXT("A plugin for tests"), TEXT("{\"type\":\"object\"}"), 0, 0}

#define TABLE(descriptor, create, start, stop, destroy)                                           \
  {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, descriptor, create,        \
   start, NULL, stop, destroy}

/* The plugin `name` of these functions. */
#define PLUGIN(name, create, start, stop, destroy)                                                \
  static const registry_descriptor_v1 descriptor = DESCRIPTOR(name);                              \
  static const registry_plugin_v1 table = TABLE(&descriptor, create, start, stop, destroy);       \
  const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }

#endif
