import CRegistryPlugin
import ClusterModel
import Logging

/// The functions in the table of an exported plugin.
enum ExportedFunctions {
  typealias Create =
    @convention(c) (
      UnsafePointer<registry_host_v1>?, UnsafePointer<registry_settings_v1>?,
      UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<registry_message_v1>?
    ) -> registry_code

  /// `create` for each slot.
  static let create: [Create] = [
    { make(0, $0, $1, $2, $3) }, { make(1, $0, $1, $2, $3) }, { make(2, $0, $1, $2, $3) },
    { make(3, $0, $1, $2, $3) }, { make(4, $0, $1, $2, $3) }, { make(5, $0, $1, $2, $3) },
    { make(6, $0, $1, $2, $3) }, { make(7, $0, $1, $2, $3) },
  ]

  typealias GetExtension = @convention(c) (registry_string_v1) -> UnsafeRawPointer?

  /// `get_extension` for each slot.
  private static let getExtension: [GetExtension] = [
    { getExtension(0, $0) }, { getExtension(1, $0) }, { getExtension(2, $0) }, { getExtension(3, $0) },
    { getExtension(4, $0) }, { getExtension(5, $0) }, { getExtension(6, $0) }, { getExtension(7, $0) },
  ]

  private static func getExtension(_ slot: Int, _ id: registry_string_v1) -> UnsafeRawPointer? {
    guard let name = try? BoundaryReader().text(id, "extension"), name == REGISTRY_EXTENSION_MATCHING else {
      return nil
    }
    return PluginExports.shared.export(slot).map { UnsafeRawPointer($0.matching.pointer) }
  }

  /// What `matching` is across the boundary: never freed.
  static func matching(_ matching: RegistryMatching) -> Immortal<registry_matching_v1> {
    let keys = UnsafeMutablePointer<registry_string_v1>.allocate(capacity: max(matching.keys.count, 1))
    for (index, key) in matching.keys.enumerated() {
      (keys + index).initialize(to: .init(immortal: key.description))
    }
    return Immortal(
      registry_matching_v1(
        keys: keys, key_count: matching.keys.count,
        flags: matching.alone == .affiliate ? UInt32(REGISTRY_ALONE_AFFILIATE) : 0, reserved: 0))
  }

  /// The table for `slot`, its strings and all: never freed.
  static func table(
    slot: Int, descriptor: RegistryDescriptor
  ) -> Immortal<registry_plugin_v1> {
    var flags: UInt32 = 0
    if descriptor.publishes { flags |= UInt32(REGISTRY_PUBLISHES) }
    if descriptor.leases { flags |= UInt32(REGISTRY_LEASES) }
    if descriptor.wantsClusterSecret { flags |= UInt32(REGISTRY_WANTS_CLUSTER_SECRET) }
    let raw = Immortal(
      registry_descriptor_v1(
        name: .init(immortal: descriptor.name), version: .init(immortal: descriptor.version),
        prefix: .init(immortal: descriptor.prefix), summary: .init(immortal: descriptor.summary),
        options_schema: .init(immortal: descriptor.optionsSchema), flags: flags, reserved: 0))
    return Immortal(
      registry_plugin_v1(
        size: UInt32(MemoryLayout<registry_plugin_v1>.size),
        abi_major: UInt16(REGISTRY_ABI_MAJOR), abi_minor: UInt16(REGISTRY_ABI_MINOR),
        descriptor: raw.pointer,
        create: create[slot],
        start: { instance, message in
          ExportedFunctions.with(instance, message) { registry throws(RegistryError) in try registry.start() }
        },
        publish: descriptor.publishes
          ? { instance, publication, message in
            ExportedFunctions.with(instance, message) { registry throws(RegistryError) in
              guard let publication else { throw RegistryError(.invalidArgument, "the publication is NULL") }
              var reader = BoundaryReader()
              registry.publish(try reader.desired(publication))
            }
          } : nil,
        stop: { instance in instance.map { ExportedRegistry.at($0).stop() } },
        destroy: { instance in instance.map { ExportedRegistry.release($0) } },
        get_extension: getExtension[slot]))
  }

  private static func make(
    _ slot: Int, _ host: UnsafePointer<registry_host_v1>?, _ settings: UnsafePointer<registry_settings_v1>?,
    _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ message: UnsafeMutablePointer<registry_message_v1>?
  ) -> registry_code {
    do throws(RegistryError) {
      guard let host, let settings, let instance, let export = PluginExports.shared.export(slot) else {
        throw RegistryError(.invalidArgument, "create was given NULL")
      }
      let connection = try HostConnection(host)
      PluginLogging.bootstrap(connection)
      let settingsValue = settings.pointee
      let context = try context(settingsValue, connection)
      let options = try BoundaryReader().text(settingsValue.options, "options", limit: 1 << 24)
      let registry = try export.make(options.isEmpty ? "{}" : options, context)
      instance.pointee = ExportedRegistry(registry, context, connection).retained()
      return registry_code(REGISTRY_OK)
    } catch {
      return BoundaryMessage.write(error, to: message)
    }
  }

  private static func context(
    _ settings: registry_settings_v1, _ connection: HostConnection
  ) throws(RegistryError) -> RegistryContext {
    let reader = BoundaryReader()
    func optional(_ text: registry_string_v1, _ field: StaticString) throws(RegistryError) -> String? {
      let text = try reader.text(text, field)
      return text.isEmpty ? nil : text
    }
    let name = try reader.text(settings.name, "name")
    var context = RegistryContext(
      name: name, staleAfter: connection.staleAfter, host: connection.host,
      logger: Logger(label: name) { _ in HostLogHandler(connection) })
    if settings.local_node_id.length != 0 { context.localNodeID = try reader.nodeID(settings.local_node_id) }
    context.clusterID = try optional(settings.cluster_id, "cluster_id")
    context.clusterSecret = try optional(settings.cluster_secret, "cluster_secret")
    context.stateDirectory = try reader.text(settings.state_directory, "state_directory")
    context.baseDirectory = try optional(settings.base_directory, "base_directory") ?? "."
    return context
  }

  private static func with(
    _ instance: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<registry_message_v1>?,
    _ body: (ExportedRegistry) throws(RegistryError) -> Void
  ) -> registry_code {
    do throws(RegistryError) {
      guard let instance else { throw RegistryError(.invalidArgument, "the instance is NULL") }
      try body(ExportedRegistry.at(instance))
      return registry_code(REGISTRY_OK)
    } catch {
      return BoundaryMessage.write(error, to: message)
    }
  }
}
