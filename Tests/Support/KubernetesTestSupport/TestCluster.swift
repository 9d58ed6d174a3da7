public import Foundation
import Synchronization
import TestSupport

/// A real kube-apiserver with its etcd, ended with the tests' process.
///
/// Started by who asks first and shared by name: suites that stop a server, or change its keys, have one of
/// their own.
public final class TestCluster: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
  }

  /// Why there can't be one; nil where there can.
  public static let unavailable: String? = {
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

  private static let running = Mutex<[String: Task<TestCluster, any Error>]>([:])
  private static let scripts = BuiltProducts.checkout.appendingPathComponent("Tests/Support/kube-apiserver")
    .path

  /// The folder that the server keeps everything in.
  public let folder: String
  /// `https://127.0.0.1:PORT`
  public let url: String

  private init(folder: String, url: String) {
    self.folder = folder
    self.url = url
  }

  /// The running server called `name`.
  public static func shared(_ name: String) async throws -> TestCluster {
    let task = running.withLock { running in
      if let task = running[name] { return task }
      if running.isEmpty { atexit { TestCluster.endAll() } }
      // Without structure: it isn't one test's, and goes on where the test that came first is cancelled.
      let task = Task {
        let folder = folder(of: name)
        let url = try await run("run", in: folder, within: .seconds(180))
        return TestCluster(folder: folder, url: url.trimmingCharacters(in: .whitespacesAndNewlines))
      }
      running[name] = task
      return task
    }
    return try await task.value
  }

  private static func folder(of name: String) -> String {
    "\(NSTemporaryDirectory())/rollcall-kube-\(ProcessInfo.processInfo.processIdentifier)-\(name)"
  }

  /// Runs when the process ends: nothing may be left behind.
  private static func endAll() {
    for name in running.withLock({ $0.keys }) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "\(scripts)/stop")
      process.arguments = [folder(of: name)]
      try? process.run()
      process.waitUntilExit()
      try? FileManager.default.removeItem(atPath: folder(of: name))
    }
  }

  @discardableResult
  private static func run(
    _ script: String, in folder: String, _ arguments: [String] = [], within limit: Duration = .seconds(60)
  ) async throws -> String {
    let result = try await ChildProcess.run("\(scripts)/\(script)", [folder] + arguments, within: limit)
    guard result.status == 0 else { throw Failure(description: "\(script): \(result)") }
    return result.output
  }

  /// The path of a file of the server's.
  public func path(_ name: String) -> String { "\(folder)/\(name)" }

  public func stop() async throws { try await Self.run("stop", in: folder, ["apiserver"]) }
  public func start() async throws { try await Self.run("run", in: folder, within: .seconds(180)) }

  /// Stops the server and etcd, and lets `change` do something with etcd's folder before both are started again.
  public func stopped(_ change: (_ data: URL) throws -> Void) async throws {
    try await Self.run("stop", in: folder)
    try change(URL(fileURLWithPath: path("etcd.data")))
    try await start()
  }

  /// Makes a key and a certificate `pki/<name>` that the server accepts for a client.
  public func signClient(_ name: String, subject: String) async throws {
    try await Self.run("sign", in: folder, [name, subject, "clientAuth"])
  }

  /// Replaces the certificate authority, and the certificates of the server and the administrator.
  public func replaceAuthority() async throws {
    try await Self.run("sign", in: folder, ["--authority"])
    try await Self.run(
      "sign", in: folder,
      [
        "apiserver", "/CN=kube-apiserver", "serverAuth",
        "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc",
      ])
    try await Self.run("sign", in: folder, ["admin", "/O=system:masters/CN=admin", "clientAuth"])
  }
}
