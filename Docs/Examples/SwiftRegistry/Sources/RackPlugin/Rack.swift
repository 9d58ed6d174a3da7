import ClusterModel
public import RegistryKit

/// The nodes of a rack whose names and addresses follow from their place.
struct Rack: RegistryPlugin {
  struct Options: RegistryOptions {
    var name = ""
    var nodes = 1
    static let options = OptionList<Self> {
      RegistryOption("name", \.name, .text(length: 1...64), "what the rack is called").required
      RegistryOption("nodes", \.nodes, .integer(in: 1...250), "how many nodes it has").required
    }
  }

  static let descriptor = RegistryDescriptor(
    name: "rack", version: "1.0.0", summary: "The nodes of a rack", optionsSchema: Options.schema)

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
