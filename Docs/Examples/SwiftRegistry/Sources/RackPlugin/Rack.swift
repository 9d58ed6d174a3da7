import ClusterModel
public import RegistryKit

/// The nodes of a rack whose names and addresses follow from their place.
struct Rack: RegistryPlugin {
  struct Options: Decodable, Sendable {
    var name: String
    var nodes: Int
  }

  static let descriptor = RegistryDescriptor(
    name: "rack", version: "1.0.0", summary: "The nodes of a rack",
    optionsSchema: """
      {"type": "object", "required": ["name", "nodes"], "properties": {
        "name": {"type": "string", "minLength": 1},
        "nodes": {"type": "integer", "minimum": 1, "maximum": 250}}}
      """)

  let options: Options

  init(options: Options, context: RegistryContext) throws { self.options = options }

  func run(_ session: RegistrySession) async throws {
    // A real one asks somebody here, each time.
    try await session.poll(every: .seconds(30)) {
      try (1...options.nodes).map { place in
        let name = "\(options.name)-\(place)"
        return Affiliate(
          nodeID: try NodeIdentity(name), addresses: [try IPAddress("10.5.0.\(place)")], nodename: name)
      }
    }
  }
}

@c public func registry_plugin_entry_v1() -> PluginEntry { .exporting(Rack.self) }
