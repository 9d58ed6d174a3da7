public import CRegistryPlugin
import Synchronization

/// What a plugin's one exported function returns.
///
/// ```swift
/// public import RegistryKit
///
/// @c public func registry_plugin_entry_v1() -> PluginEntry { .exporting(Rack.self) }
/// ```
public typealias PluginEntry = UnsafePointer<registry_plugin_v1>

extension UnsafePointer where Pointee == registry_plugin_v1 {
  /// The entry that makes registries of `plugin`. The same each time.
  ///
  /// A plugin library exports one type. (Test programs may make entries of up to eight.)
  public static func exporting<Plugin: RegistryPlugin>(_ plugin: Plugin.Type) -> PluginEntry {
    PluginExports.shared.entry(of: plugin)
  }
}

/// The types that this image exports.
///
/// A C function can't carry a Swift type with it, so each exported type has a slot, and each slot has a C
/// function of its own.
final class PluginExports: Sendable {
  static let shared = PluginExports()

  typealias Make =
    @Sendable (
      _ options: String, _ context: RegistryContext
    ) throws(RegistryError) -> any Registry

  /// One exported type.
  struct Export: Sendable {
    let type: ObjectIdentifier
    /// Lives as long as the process, and never changes.
    let entry: Immortal<registry_plugin_v1>
    let make: Make
    /// How its records are matched, for `get_extension`.
    let matching: Immortal<registry_matching_v1>
  }

  private let exports = Mutex<[Export]>([])

  func entry<Plugin: RegistryPlugin>(of plugin: Plugin.Type) -> PluginEntry {
    exports.withLock { exports in
      if let known = exports.first(where: { $0.type == ObjectIdentifier(plugin) }) {
        return known.entry
      }
      precondition(
        exports.count < ExportedFunctions.create.count,
        "a plugin library exports one registry type; \(plugin) is one too many")
      let entry = ExportedFunctions.table(slot: exports.count, descriptor: plugin.descriptor)
      exports.append(
        Export(
          type: ObjectIdentifier(plugin), entry: entry,
          make: { options, context throws(RegistryError) in
            let options = try OptionsDecoder.decode(Plugin.Options.self, from: options)
            do { return try plugin.init(options: options, context: context) } catch {
              throw RegistryError(error)
            }
          }, matching: ExportedFunctions.matching(plugin.descriptor.matching)))
      return entry
    }.pointer
  }

  /// The export in `slot`, which exists: its C functions are only reached through its table.
  func export(_ slot: Int) -> Export? {
    exports.withLock { slot < $0.count ? $0[slot] : nil }
  }
}

/// A value in memory that is never freed.
///
/// `@unchecked`: the pointer leads to memory that nobody writes to after it was made.
struct Immortal<Value>: @unchecked Sendable {
  let pointer: UnsafePointer<Value>

  init(_ value: Value) {
    let memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    memory.initialize(to: value)
    pointer = UnsafePointer(memory)
  }
}

extension registry_string_v1 {
  /// Text that is never freed.
  package init(immortal text: String) {
    let bytes = Array(text.utf8)
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: max(bytes.count, 1))
    for (index, byte) in bytes.enumerated() { memory[index] = CChar(bitPattern: byte) }
    self.init(data: memory, length: bytes.count)
  }
}
