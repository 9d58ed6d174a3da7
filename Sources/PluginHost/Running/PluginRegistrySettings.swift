import CRegistryPlugin
import RegistryKit

/// What an instance is made from.
struct PluginRegistrySettings: Sendable {
  let plugin: LoadedPlugin
  /// A JSON object, as it was written.
  let options: String
  /// Where it runs, beyond what the session says.
  let context: RegistryContext
  let limits: BoundaryLimits
  /// How long create, start and publish may take, each.
  let callTimeout: Duration
  /// How long stop and destroy may take, each.
  let stopTimeout: Duration
  let clock: any Clock<Duration>
  let lateCalls = LateCalls()

  /// Calls `body` with the settings as they cross the boundary.
  func withSettings(
    _ body: (UnsafePointer<registry_settings_v1>) throws(RegistryError) -> Void
  ) throws(RegistryError) {
    // What a plugin is given is whole: no author writes a default twice.
    let options = try plugin.optionsSchema.fillingDefaults(in: options)
    let secret = plugin.descriptor.wantsClusterSecret ? context.clusterSecret : nil
    let texts = [
      context.name, options, context.localNodeID?.text ?? "", context.clusterID ?? "", secret ?? "",
      context.stateDirectory, context.baseDirectory,
    ]
    try BoundaryWriter.withTexts(texts) { texts throws(RegistryError) in
      var settings = registry_settings_v1()
      settings.name = texts[0]
      settings.options = texts[1]
      settings.local_node_id = texts[2]
      settings.cluster_id = texts[3]
      settings.cluster_secret = texts[4]
      settings.state_directory = texts[5]
      settings.base_directory = texts[6]
      settings.stop_timeout = UInt32(clamping: stopTimeout / .milliseconds(1))
      try body(&settings)
    }
  }
}

extension Duration {
  fileprivate static func / (left: Duration, right: Duration) -> Int64 {
    let ratio: Double = left / right
    return Int64(ratio.rounded())
  }
}
