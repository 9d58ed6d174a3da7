/* Prints the layout of everything in registry_plugin.h: compared with the golden file of the version. */
#include <stdio.h>

#include "registry_plugin.h"

#define TYPE(type) printf("%s size %zu alignment %zu\n", #type, sizeof(type), _Alignof(type))
#define FIELD(type, field) \
  printf("  %s offset %zu size %zu\n", #field, offsetof(type, field), sizeof(((type *)0)->field))
#define NUMBER(name) printf("%s %lld\n", #name, (long long)(name))

int main(void) {
  printf("entry %s\n", REGISTRY_PLUGIN_ENTRY);
  NUMBER(REGISTRY_ABI_MAJOR);
  NUMBER(REGISTRY_OK);
  NUMBER(REGISTRY_INVALID_ARGUMENT);
  NUMBER(REGISTRY_LIMIT_EXCEEDED);
  NUMBER(REGISTRY_STOPPED);
  NUMBER(REGISTRY_UNAVAILABLE);
  NUMBER(REGISTRY_PERMISSION_DENIED);
  NUMBER(REGISTRY_UNSUPPORTED);
  NUMBER(REGISTRY_FAILED);
  NUMBER(REGISTRY_MACHINE_UNKNOWN);
  NUMBER(REGISTRY_MACHINE_INIT);
  NUMBER(REGISTRY_MACHINE_CONTROLPLANE);
  NUMBER(REGISTRY_MACHINE_WORKER);
  NUMBER(REGISTRY_STATE_HEALTHY);
  NUMBER(REGISTRY_STATE_DEGRADED);
  NUMBER(REGISTRY_STATE_FAILED);
  NUMBER(REGISTRY_LOG_TRACE);
  NUMBER(REGISTRY_LOG_DEBUG);
  NUMBER(REGISTRY_LOG_INFO);
  NUMBER(REGISTRY_LOG_NOTICE);
  NUMBER(REGISTRY_LOG_WARNING);
  NUMBER(REGISTRY_LOG_ERROR);
  NUMBER(REGISTRY_LOG_CRITICAL);
  NUMBER(REGISTRY_AFFILIATE_STALE);
  NUMBER(REGISTRY_PUBLISHES);
  NUMBER(REGISTRY_WANTS_CLUSTER_SECRET);
  TYPE(registry_code);
  TYPE(registry_message_v1);
  FIELD(registry_message_v1, data);
  FIELD(registry_message_v1, capacity);
  FIELD(registry_message_v1, length);
  TYPE(registry_string_v1);
  FIELD(registry_string_v1, data);
  FIELD(registry_string_v1, length);
  TYPE(registry_address_v1);
  FIELD(registry_address_v1, bytes);
  FIELD(registry_address_v1, family);
  FIELD(registry_address_v1, reserved);
  TYPE(registry_prefix_v1);
  FIELD(registry_prefix_v1, address);
  FIELD(registry_prefix_v1, length);
  FIELD(registry_prefix_v1, reserved);
  TYPE(registry_endpoint_v1);
  FIELD(registry_endpoint_v1, address);
  FIELD(registry_endpoint_v1, port);
  FIELD(registry_endpoint_v1, reserved);
  TYPE(registry_affiliate_v1);
  FIELD(registry_affiliate_v1, node_id);
  FIELD(registry_affiliate_v1, hostname);
  FIELD(registry_affiliate_v1, nodename);
  FIELD(registry_affiliate_v1, operating_system);
  FIELD(registry_affiliate_v1, machine_type);
  FIELD(registry_affiliate_v1, flags);
  FIELD(registry_affiliate_v1, addresses);
  FIELD(registry_affiliate_v1, address_count);
  FIELD(registry_affiliate_v1, api_server_port);
  FIELD(registry_affiliate_v1, reserved);
  FIELD(registry_affiliate_v1, confirmed_at);
  FIELD(registry_affiliate_v1, public_key);
  FIELD(registry_affiliate_v1, kubespan_address);
  FIELD(registry_affiliate_v1, additional_addresses);
  FIELD(registry_affiliate_v1, additional_address_count);
  FIELD(registry_affiliate_v1, excluded_networks);
  FIELD(registry_affiliate_v1, excluded_network_count);
  FIELD(registry_affiliate_v1, endpoints);
  FIELD(registry_affiliate_v1, endpoint_count);
  TYPE(registry_seen_endpoints_v1);
  FIELD(registry_seen_endpoints_v1, node_id);
  FIELD(registry_seen_endpoints_v1, endpoints);
  FIELD(registry_seen_endpoints_v1, endpoint_count);
  TYPE(registry_publication_v1);
  FIELD(registry_publication_v1, local);
  FIELD(registry_publication_v1, seen);
  FIELD(registry_publication_v1, seen_count);
  TYPE(registry_host_v1);
  FIELD(registry_host_v1, size);
  FIELD(registry_host_v1, abi_major);
  FIELD(registry_host_v1, abi_minor);
  FIELD(registry_host_v1, context);
  FIELD(registry_host_v1, snapshot);
  FIELD(registry_host_v1, upsert);
  FIELD(registry_host_v1, remove);
  FIELD(registry_host_v1, source_gone);
  FIELD(registry_host_v1, status);
  FIELD(registry_host_v1, log);
  FIELD(registry_host_v1, public_address);
  FIELD(registry_host_v1, sources);
  TYPE(registry_settings_v1);
  FIELD(registry_settings_v1, name);
  FIELD(registry_settings_v1, options);
  FIELD(registry_settings_v1, local_node_id);
  FIELD(registry_settings_v1, cluster_id);
  FIELD(registry_settings_v1, cluster_secret);
  FIELD(registry_settings_v1, state_directory);
  FIELD(registry_settings_v1, base_directory);
  FIELD(registry_settings_v1, stop_timeout);
  FIELD(registry_settings_v1, reserved);
  TYPE(registry_descriptor_v1);
  FIELD(registry_descriptor_v1, name);
  FIELD(registry_descriptor_v1, version);
  FIELD(registry_descriptor_v1, prefix);
  FIELD(registry_descriptor_v1, summary);
  FIELD(registry_descriptor_v1, options_schema);
  FIELD(registry_descriptor_v1, flags);
  FIELD(registry_descriptor_v1, reserved);
  TYPE(registry_plugin_v1);
  FIELD(registry_plugin_v1, size);
  FIELD(registry_plugin_v1, abi_major);
  FIELD(registry_plugin_v1, abi_minor);
  FIELD(registry_plugin_v1, descriptor);
  FIELD(registry_plugin_v1, create);
  FIELD(registry_plugin_v1, start);
  FIELD(registry_plugin_v1, publish);
  FIELD(registry_plugin_v1, stop);
  FIELD(registry_plugin_v1, destroy);
  return 0;
}
