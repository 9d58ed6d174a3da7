import Foundation
import Glibc
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
    port = try Self.freePort()
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
  func serve(_ options: String...) async throws -> ChildProcess {
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
  func node(_ name: String, ttl: String = "30m") throws -> ChildProcess {
    try configure(name, ttl: ttl, node: "{nodename: \(name), hostname: \(name), addresses: [10.77.0.1]}")
    return try start(name)
  }

  /// Starts the node `name` as it was configured.
  func start(_ name: String) throws -> ChildProcess {
    try Command.start(["run", "--state", "state"], in: folder.path(name))
  }

  /// The nodenames of the members as somebody sees them who has just come and takes no part.
  func observed() async throws -> Set<String> {
    try configure("observer", ttl: "30m", node: "{publish: false}")
    return try await shown(to: "observer")
  }

  /// The nodenames that `rollcall get members` shows with the configuration and identity of the node `name`.
  func shown(to name: String) async throws -> Set<String> {
    let text = try await Command.output(
      "get members --state state -o jsonpath={.metadata.id}", in: folder.path(name))
    return Set(text.split(separator: "\n").map(String.init))
  }

  /// Writes the configuration of the node `name`.
  ///
  /// - Parameters:
  ///   - node: what stands under `node`, in one line.
  ///   - kubernetes: what stands under the registry's name; nil where nothing is written of it.
  ///   - precedence: the order of registries, the strongest first.
  func configure(
    _ name: String, ttl: String = "30m", node: String, kubernetes: String? = nil, precedence: [String] = []
  ) throws {
    let precedence = precedence.joined(separator: ", ")
    try folder.write(
      """
      \(secrets)
        discovery:
          registries:
            service: {endpoint: "\(endpoint)", ttl: \(ttl)}
            \(kubernetes.map { "kubernetes: \($0)" } ?? "")
      merge: {precedence: [\(precedence)]}
      node: \(node)
      """, to: "\(name)/rollcall.yaml")
  }

  /// A port below those that the system gives out itself: else a client that dials a service that is away
  /// could be given the service's own.
  private static func freePort() throws -> Int {
    for port in (20_000..<32_000).shuffled().prefix(100) {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(descriptor) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if bound == 0 { return port }
    }
    throw POSIXError(.EADDRINUSE)
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
