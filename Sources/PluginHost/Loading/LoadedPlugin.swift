import CRegistryPlugin
public import RegistryKit

/// A plugin that has been loaded and keeps to the rules of the boundary. It stays loaded for good.
public struct LoadedPlugin: Sendable {
  /// What the plugin says of itself.
  public let descriptor: RegistryDescriptor
  /// The schema of its options, read from the descriptor.
  public let optionsSchema: OptionsSchema
  /// The file that it was loaded from.
  public let file: String
  /// The version of the boundary that it was made for.
  public let abiVersion: ABIVersion
  let table: PluginTable
  /// What was loaded; nil for what is part of the program or is used where it lies.
  private let copy: LibraryCopy?

  /// The plugin whose entry function returned `entry`; `file` is named in errors.
  ///
  /// For plugins that are linked into the program: others are loaded by a ``PluginCatalog``.
  public init(entry: PluginEntry, file: String) throws(PluginError) {
    try self.init(checking: entry, file: file, copy: nil)
  }

  init(
    checking entry: UnsafePointer<registry_plugin_v1>?, file: String, copy: LibraryCopy?
  ) throws(PluginError) {
    self.copy = copy
    table = try PluginTable(checking: entry, file: file)
    let check = PluginDescriptorCheck(file: file)
    descriptor = try check.descriptor(of: table)
    optionsSchema = try check.optionsSchema(of: descriptor)
    abiVersion = table.version
    self.file = file
  }

  /// The symbols that the library exports beyond its entry function, in the order of its table: there should be
  /// none. Empty too where the library is part of the program or has no private copy.
  public var otherSymbols: [String] {
    guard let copy else { return [] }
    let bytes = FileBytes(descriptor: copy.descriptor, count: copy.count)
    return (try? ELFCheck(bytes))?.exportedSymbols().filter { $0 != REGISTRY_PLUGIN_ENTRY } ?? []
  }
}

/// A version of the plugin boundary.
public struct ABIVersion: Hashable, Sendable, CustomStringConvertible {
  /// A plugin only works with a host of the same major version.
  public let major: UInt16
  /// Higher ones add functions.
  public let minor: UInt16

  /// The version that this host speaks.
  public static let host = ABIVersion(
    major: UInt16(REGISTRY_ABI_MAJOR), minor: UInt16(REGISTRY_ABI_MINOR))

  public var description: String { "\(major).\(minor)" }
}

/// A plugin's functions.
///
/// `@unchecked`: the table and what it points to are constant and live as long as the process, by the rules of
/// the boundary; who may call which function when is the instance's care.
struct PluginTable: @unchecked Sendable {
  let pointer: UnsafePointer<registry_plugin_v1>

  var functions: registry_plugin_v1 { pointer.pointee }
  var version: ABIVersion { ABIVersion(major: functions.abi_major, minor: functions.abi_minor) }

  /// The table at `pointer`, if it is one of our version and has what is required.
  init(checking pointer: UnsafePointer<registry_plugin_v1>?, file: String) throws(PluginError) {
    guard let pointer else {
      throw PluginError(.malformed, file: file, "\(REGISTRY_PLUGIN_ENTRY) returned NULL instead of its table")
    }
    // The size and the version come first in every version, and are looked at before anything else.
    let raw = UnsafeRawPointer(pointer)
    let size = raw.load(as: UInt32.self)
    let needed = UInt32(MemoryLayout<registry_plugin_v1>.size)
    guard size >= 8 else {
      throw PluginError(
        .malformed, file: file, "its table says that it has \(size) bytes; version 1 has at least \(needed)")
    }
    let version = ABIVersion(
      major: raw.load(fromByteOffset: 4, as: UInt16.self),
      minor: raw.load(fromByteOffset: 6, as: UInt16.self))
    guard version.major == ABIVersion.host.major else {
      throw PluginError(
        .wrongVersion, file: file,
        "it was made for plugin ABI \(version), and this host speaks \(ABIVersion.host); build it against a "
          + "registry_plugin.h of version \(ABIVersion.host.major)")
    }
    guard size >= needed else {
      throw PluginError(
        .malformed, file: file, "its table says that it has \(size) bytes; version 1 has at least \(needed)")
    }
    self.pointer = pointer
    try checkFunctions(file)
  }

  private func checkFunctions(_ file: String) throws(PluginError) {
    guard let descriptor = functions.descriptor else {
      throw PluginError(.malformed, file: file, "its table's descriptor is NULL, and is required")
    }
    let publishes = descriptor.pointee.flags & UInt32(REGISTRY_PUBLISHES) != 0
    let missing: String? =
      if functions.create == nil {
        "create"
      } else if functions.start == nil {
        "start"
      } else if functions.stop == nil {
        "stop"
      } else if functions.destroy == nil {
        "destroy"
      } else if publishes, functions.publish == nil {
        "publish"
      } else {
        nil
      }
    if let missing {
      throw PluginError(
        .malformed, file: file,
        "its table's \(missing) is NULL, and is required"
          + (missing == "publish" ? " as its descriptor has REGISTRY_PUBLISHES" : ""))
    }
  }
}
