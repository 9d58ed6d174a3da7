import ClusterResources
import PluginHost
import RegistryConformance
import RegistryKit

/// What the checks of a plugin saw, for a person.
enum ObservationText {
  /// - Parameter plugin: nil for a program, which exports nothing.
  static func text(_ observation: RegistryObservation, of plugin: LoadedPlugin?) -> String {
    var rows = observation.sources.map { source in
      ["nodes", (source.name.isEmpty ? "" : "source \(source.name): ") + list(source.nodes)]
    }
    if rows.isEmpty { rows = [["nodes", "unknown, as it has no snapshot"]] }
    for report in observation.health {
      let source = report.source == .only ? "" : "source \(report.source.name): "
      let state = report.error.map { "\($0.code): \($0.message)" } ?? "works"
      rows.append([report.aspect.rawValue, source + state])
    }
    rows += observation.log.prefix(20).map { ["log", $0] }
    if observation.log.count > 20 { rows.append(["log", "and \(observation.log.count - 20) lines more"]) }
    if let plugin { rows.append(["exports", exports(of: plugin)]) }
    var table = TextTable()
    return table.text(of: rows.map { $0.map(\.shown) })
  }

  private static func exports(of plugin: LoadedPlugin) -> String {
    let others = plugin.otherSymbols
    guard !others.isEmpty else { return "its entry function alone" }
    return "beyond its entry function " + list(others) + "; hide them with plugin.map or -fvisibility=hidden"
  }

  /// How many there are, and the first of them.
  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "0" }
    let more = names.count > 10 ? ", …" : ""
    return "\(names.count): " + names.prefix(10).joined(separator: ", ") + more
  }
}
