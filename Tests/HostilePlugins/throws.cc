/* Lets a C++ exception out of a thread of its own, shortly after its snapshot. */
#include "registry_plugin.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#ifndef NAME
#define NAME "throws"
#endif

namespace {
const registry_host_v1 *host;

registry_code create(const registry_host_v1 *given, const registry_settings_v1 *, void **instance,
                     registry_message_v1 *) {
  host = given;
  *instance = nullptr;
  return REGISTRY_OK;
}

registry_code start(void *, registry_message_v1 *message) {
  registry_affiliate_v1 one{};
  one.node_id = registry_string("plain-1");
  one.nodename = registry_string("plain-1");
  registry_code code = registry_apply_snapshot(host, registry_string(""), &one, 1, message);
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    throw std::runtime_error("nobody catches this");
  }).detach();
  return code;
}

void stop(void *) {}
void destroy(void *) {}

#define TEXT(literal) {literal, sizeof(literal) - 1}
const registry_descriptor_v1 descriptor = {
    TEXT(NAME), TEXT("1.0.0"), TEXT("hostile"), TEXT("A plugin for tests"), TEXT("{\"type\":\"object\"}"), 0, 0};
const registry_plugin_v1 table = {sizeof(registry_plugin_v1), REGISTRY_ABI_MAJOR, REGISTRY_ABI_MINOR, &descriptor,
                                  create, start, nullptr, stop, destroy, nullptr};
}  // namespace

extern "C" REGISTRY_EXPORT const registry_plugin_v1 *registry_plugin_entry_v1(void) { return &table; }
