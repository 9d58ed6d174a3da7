import HTTPRegistry
public import RegistryKit

@c public func registry_plugin_entry_v1() -> PluginEntry { .exporting(HTTPRegistry.self) }
