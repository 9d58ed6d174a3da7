import Foundation
import NodeFixtures
import Synchronization
import TestSupport

@testable import KubernetesRegistry

/// A real kube-apiserver, started once for all tests that need it and ended with their process.
final class TestCluster: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Why there can't be one; nil where there can.
  static let unavailable: String? = {
    let environment = ProcessInfo.processInfo.environment
    let cache =
      environment["ROLLCALL_KUBE_APISERVER_CACHE"]
      ?? (environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "")/.cache") + "/rollcall/kube-apiserver"
    let server = environment["ROLLCALL_KUBE_APISERVER"] ?? "\(cache)/bin/kube-apiserver"
    guard FileManager.default.isExecutableFile(atPath: server) else {
      return "there is no \(server); Tests/Support/kube-apiserver/build makes it"
    }
    let folders = (environment["PATH"] ?? "").split(separator: ":")
    for program in ["etcd", "etcdctl", "kubectl", "openssl", "curl", "perl"]
    where !folders.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }) {
      return "there is no \(program) in PATH"
    }
    return nil
  }()

  private static let starting = Mutex<Task<TestCluster, any Error>?>(nil)
  private static let scripts = BuiltProducts.checkout.appendingPathComponent("Tests/Support/kube-apiserver")
    .path

  /// The folder that the server keeps everything in.
  static let folder = "\(NSTemporaryDirectory())/rollcall-kube-\(ProcessInfo.processInfo.processIdentifier)"

  let url: String

  private init(url: String) { self.url = url }

  /// The running server.
  static func shared() async throws -> TestCluster {
    let task = starting.withLock { starting in
      if let task = starting { return task }
      let task = Task {
        atexit { TestCluster.end() }
        return TestCluster(url: try await run("run", within: .seconds(180)).trimmingBlanks())
      }
      starting = task
      return task
    }
    return try await task.value
  }

  /// Runs when the process ends: nothing may be left behind.
  private static func end() {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(scripts)/stop")
    process.arguments = [folder]
    try? process.run()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: folder)
  }

  @discardableResult
  private static func run(
    _ script: String, _ arguments: [String] = [], within limit: Duration = .seconds(60)
  ) async throws -> String {
    let result = try await ChildProcess.run("\(scripts)/\(script)", [folder] + arguments, within: limit)
    guard result.status == 0 else { throw Failure(description: "\(script): \(result)") }
    return result.output
  }

  /// The path of a file of the server's.
  func path(_ name: String) -> String { "\(Self.folder)/\(name)" }

  func stop() async throws { try await Self.run("stop", ["apiserver"]) }
  func start() async throws { try await Self.run("run", within: .seconds(180)) }

  /// Makes a key and a certificate `pki/<name>` that the server accepts for a client.
  func signClient(_ name: String, subject: String) async throws {
    try await Self.run("sign", [name, subject, "clientAuth"])
  }

  /// Replaces the certificate authority, and the certificates of the server and the administrator.
  func replaceAuthority() async throws {
    try await Self.run("sign", ["--authority"])
    try await Self.run(
      "sign",
      [
        "apiserver", "/CN=kube-apiserver", "serverAuth",
        "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc",
      ])
    try await Self.run("sign", ["admin", "/O=system:masters/CN=admin", "clientAuth"])
  }

  /// What kubectl prints, as the administrator.
  @discardableResult
  func kubectl(_ arguments: String..., input: String? = nil) async throws -> String {
    try await kubectl(arguments, input: input)
  }

  @discardableResult
  func kubectl(_ arguments: [String], input: String? = nil) async throws -> String {
    var arguments = ["--kubeconfig", path("kubeconfig")] + arguments
    let folder = try TemporaryFolder()
    if let input { arguments += ["-f", try folder.write(input, to: "input.yaml")] }
    let result = try await ChildProcess.run("kubectl", arguments, within: .seconds(120))
    guard result.status == 0 else { throw Failure(description: "kubectl \(arguments): \(result)") }
    return result.output
  }

  /// A Node without a kubelet.
  func createNode(_ name: String, annotations: [String: String] = [:]) async throws {
    let list = annotations.map { "    \($0.key): \"\($0.value)\"\n" }.joined()
    try await kubectl(
      "create",
      input: "apiVersion: v1\nkind: Node\nmetadata:\n  name: \(name)\n"
        + (list.isEmpty ? "" : "  annotations:\n\(list)"))
  }

  /// A service account's token, by the API that kubelets use.
  func token(of account: String, namespace: String) async throws -> String {
    let reply = try await kubectl(
      "create", "--raw", "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token",
      input:
        #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}"#)
    struct Reply: Decodable {
      struct Status: Decodable { var token: String }
      var status: Status
    }
    return try JSONDecoder().decode(Reply.self, from: Data(reply.utf8)).status.token
  }

  /// Nodes as kubelets make them, some 12 KB each.
  func createFixtures(count: Int) async throws {
    let folder = try TemporaryFolder()
    var transfers: [String] = []
    for index in 0..<count {
      let json = Data(NodeFixture(index: index, resourceVersion: 1).objectJSON.utf8)
      guard var node = try JSONSerialization.jsonObject(with: json) as? [String: Any],
        var metadata = node["metadata"] as? [String: Any]
      else { throw Failure(description: "a fixture isn't a Node") }
      // The server's to say.
      for key in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] { metadata[key] = nil }
      node["metadata"] = metadata
      let body = try JSONSerialization.data(withJSONObject: node)
      let file = try folder.write(String(decoding: body, as: UTF8.self), to: "\(index).json")
      transfers.append(
        """
        url = "\(url)/api/v1/nodes"
        cacert = "\(path("pki/ca.crt"))"
        cert = "\(path("pki/admin.crt"))"
        key = "\(path("pki/admin.key"))"
        header = "Content-Type: application/json"
        data-binary = "@\(file)"
        output = "\(folder.path("answer"))"
        fail-with-body

        """)
    }
    let config = try folder.write(transfers.joined(separator: "next\n"), to: "curl")
    let result = try await ChildProcess.run(
      "curl", ["--silent", "--show-error", "--parallel", "--parallel-max", "8", "--config", config],
      within: .seconds(180))
    guard result.status == 0 else {
      let answer = (try? String(contentsOfFile: folder.path("answer"), encoding: .utf8)) ?? ""
      throw Failure(description: "curl: \(result.status) \(result.errors.prefix(500)) \(answer.prefix(1000))")
    }
  }

  /// etcd's own command.
  @discardableResult
  func etcdctl(_ arguments: String...) async throws -> String {
    let endpoint = try String(contentsOfFile: path("etcd.url"), encoding: .utf8).trimmingBlanks()
    let result = try await ChildProcess.run(
      "etcdctl", ["--endpoints", endpoint] + arguments, environment: ["ETCDCTL_API": "3"])
    guard result.status == 0 else { throw Failure(description: "etcdctl \(arguments): \(result)") }
    return result.output
  }

  /// A kubeconfig for this server.
  func config(user: String, authority: String? = nil, server: String? = nil, cluster: String = "") -> String {
    """
    clusters: [{name: c, cluster: {server: "\(server ?? url)", certificate-authority: "\(authority ?? path("pki/ca.crt"))"\(cluster)}}]
    users: [{name: u, user: \(user)}]
    contexts: [{name: x, context: {cluster: c, user: u}}]
    current-context: x

    """
  }

  /// The administrator's kubeconfig, written anew.
  var adminConfig: String {
    config(
      user: "{client-certificate: \"\(path("pki/admin.crt"))\", client-key: \"\(path("pki/admin.key"))\"}")
  }
}
