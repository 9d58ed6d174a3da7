// A plugin in C++ with what its compiler exports even where all is hidden, and some more.
#include "registry_plugin.h"

template <class Value>
struct __attribute__((visibility("default"))) Holder {
  static Value value;
};
template <class Value>
Value Holder<Value>::value = 5;

__attribute__((visibility("default"))) int shared() { return ++Holder<int>::value; }

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *, void **instance,
                            registry_message_v1 *) {
  *instance = const_cast<registry_host_v1 *>(host);
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  auto host = static_cast<const registry_host_v1 *>(instance);
  return registry_apply_snapshot(host, registry_string(""), nullptr, 0, message);
}

static void nothing(void *) {}

static const registry_descriptor_v1 descriptor = {
    registry_string("templates"), registry_string("1.0.0"), registry_string("templates"),
    registry_string("Templates"), registry_string("{\"type\":\"object\"}"), 0, 0};
static const registry_plugin_v1 table = {sizeof table, REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, &descriptor,
                                         create, start, nullptr, nothing, nothing, nullptr};

const registry_plugin_v1 *registry_plugin_entry_v1() {
  shared();
  return &table;
}
