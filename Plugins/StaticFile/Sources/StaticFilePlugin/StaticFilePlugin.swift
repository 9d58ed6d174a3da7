public import RegistryKit
import StaticFileRegistry

@c public func registry_plugin_entry_v1() -> PluginEntry { .exporting(StaticFileRegistry.self) }
