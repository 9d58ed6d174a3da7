public import RegistryKit
import ServiceRegistry

/// The plugin's one exported symbol.
@c public func registry_plugin_entry_v1() -> PluginEntry { .exporting(ServiceRegistry.self) }
