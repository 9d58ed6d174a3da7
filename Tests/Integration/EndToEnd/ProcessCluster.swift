import DiscoveryGRPC
import DiscoveryProtocol
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import TestSupport
import Testing

/// A discovery service and the nodes of one cluster: processes on this machine, each node in a folder of its own.
final class ProcessCluster: Sendable {
  let folder: TemporaryFolder
  let port: Int
  /// `cluster:` with an id and a secret, as `rollcall gen secrets` prints it.
  let secrets: String

  init() async throws {
    folder = try TemporaryFolder()
    port = try LoopbackPort.free()
    secrets = try await Command.output("gen secrets")
  }

  var endpoint: String { "http://127.0.0.1:\(port)" }

  /// A value of `secrets`.
  func secret(_ key: String) throws -> String {
    let line = try #require(secrets.split(separator: "\n").first { $0.contains("\(key): ") })
    return String(line[line.index(after: try #require(line.firstIndex(of: ":")))...])
      .trimmingCharacters(in: .whitespaces)
  }

  /// Starts the service, always on the same port, and waits until it listens.
  func serve(_ options: String...) async throws -> ChildProcess { try await serve(options) }

  func serve(_ options: [String]) async throws -> ChildProcess {
    let service = try Command.start(
      ["serve", "--addr", "127.0.0.1:\(port)", "--landing-addr", "", "--metrics-addr", ""] + options,
      in: folder.path)
    try await eventually("the service listens or has ended") {
      service.errorsSoFar.contains("the discovery service listens") || !service.isRunning
    }
    try #require(service.isRunning, "\(service.errorsSoFar)")
    return service
  }

  /// Starts a node that takes part under the nodename `name`.
  ///
  /// - Parameter options: what is written of the registry beside the endpoint, or instead of it.
  func node(
    _ name: String, _ options: [String: String] = [:], _ arguments: [String] = [],
    environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try configure(name, options, node: "{nodename: \(name), hostname: \(name), addresses: [10.77.0.1]}")
    return try start(name, arguments, environment: environment)
  }

  /// Starts the node `name` as it was configured, with more `arguments` than it needs.
  func start(
    _ name: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try Command.start(
      ["run", "--state", "state"] + arguments, in: folder.path(name), environment: environment)
  }

  /// The nodenames of the members as somebody sees them who has just come and takes no part.
  func observed() async throws -> Set<String> {
    try configure("observer", [:], node: "{publish: false}")
    return try await shown(to: "observer")
  }

  /// The nodenames that `rollcall get members` shows with the configuration and identity of the node `name`.
  func shown(to name: String) async throws -> Set<String> {
    let text = try await Command.output(
      "get members --state state -o jsonpath={.metadata.id}", in: folder.path(name))
    return Set(text.split(separator: "\n").map(String.init))
  }

  /// Runs `body` with a client of the service that isn't the plugin.
  func withClient<Result: Sendable>(
    _ body: @Sendable @escaping (WireCluster.Client<HTTP2ClientTransport.Posix>) async throws -> Result
  ) async throws -> Result {
    let transport = try HTTP2ClientTransport.Posix(
      target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
    return try await withGRPCClient(transport: transport) {
      try await body(WireCluster.Client(wrapping: $0))
    }
  }

  /// Tells the service something as such a client.
  func tell(_ request: WireAffiliateUpdateRequest) async throws {
    try await withClient { _ = try await $0.affiliateUpdate(request) }
  }

  /// Writes the configuration of the node `name`.
  ///
  /// - Parameters:
  ///   - options: what is written of the service's registry beside the endpoint, or instead of it.
  ///   - node: what stands under `node`, in one line.
  ///   - kubernetes: what stands under the registry's name; nil where nothing is written of it.
  ///   - precedence: the order of registries, the strongest first.
  func configure(
    _ name: String, _ options: [String: String] = [:], node: String, kubernetes: String? = nil,
    precedence: [String] = []
  ) throws {
    let precedence = precedence.joined(separator: ", ")
    var options = options
    if options["endpoints"] == nil { options["endpoint"] = options["endpoint"] ?? endpoint }
    let written = options.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    try folder.write(
      """
      \(secrets)
        discovery:
          registries:
            service: {\(written.joined(separator: ", "))}
            \(kubernetes.map { "kubernetes: \($0)" } ?? "")
      merge: {precedence: [\(precedence)]}
      node: \(node)
      """, to: "\(name)/rollcall.yaml")
  }
}

extension ChildProcess {
  /// The whole lines of a node's log that have `text`.
  func logged(_ text: String) -> [Substring] {
    var lines = errorsSoFar.split(separator: "\n", omittingEmptySubsequences: false)
    lines.removeLast()
    return lines.filter { $0.contains(text) }
  }

  /// Who is a member by the log of a node that runs: who joined and didn't leave.
  var members: Set<String> {
    var members: Set<String> = []
    for line in logged(" member ") {
      guard let name = line.firstMatch(of: /member=(\S+)/)?.1 else { continue }
      if line.contains(" member joined ") { members.insert(String(name)) }
      if line.contains(" member left ") { members.remove(String(name)) }
    }
    return members
  }
}
