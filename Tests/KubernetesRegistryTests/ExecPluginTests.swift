import ClusterModel
import Foundation
import HTTPTransport
import Platform
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct ExecPluginTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A shell script of a user's `exec`.
  private func plugin(
    _ script: String, version: ExecPlugin.Version = .v1, arguments: [String] = [],
    environment: [ExecPlugin.Variable] = [], hint: String? = nil
  ) throws -> ExecPlugin {
    // Not run by its name: another test that starts a program at this moment would keep it open for writing.
    let path = try folder.write("\(script)\n", to: "login")
    return ExecPlugin(
      version: version, command: "/bin/sh", arguments: [path] + arguments, environment: environment,
      installHint: hint)
  }

  private func output(_ status: String, version: ExecPlugin.Version = .v1) -> String {
    #"echo '{"apiVersion":"\#(version.rawValue)","kind":"ExecCredential","status":\#(status)}'"#
  }

  private func message(_ plugin: ExecPlugin, within deadline: Duration = .seconds(20)) -> String {
    do throws(RegistryError) {
      _ = try plugin.run(within: deadline)
      return "no error"
    } catch {
      return error.message
    }
  }

  @Test(
    "a program prints a token, and is given what it should be given", arguments: ExecPlugin.Version.allCases)
  func token(version: ExecPlugin.Version) throws {
    let plugin = try plugin(
      #"echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"; echo noise >&2"# + "\n"
        + #"printf '{"apiVersion":"%s","kind":"ExecCredential","status":{"token":"%s-%s","expirationTimestamp":"2026-11-23T03:08:50Z"}}' "\#(version.rawValue)" "$1" "$COLOUR""#,
      version: version, arguments: ["first"], environment: [.init(name: "COLOUR", value: "red")])
    let credential = try plugin.run()
    #expect(credential == .init(token: "first-red", expiration: Timestamp(milliseconds: 1_795_403_330_000)))
    let info = try String(contentsOfFile: folder.path("info"), encoding: .utf8)
    #expect(
      info == #"{"apiVersion":"\#(version.rawValue)","kind":"ExecCredential","spec":{"interactive":false}}"#
        + "\n")
  }

  @Test("a program that asks for it is given the cluster")
  func clusterInfo() throws {
    var plan = AccessPlan(server: ServerURL(host: "h", port: 6443), origin: "")
    plan.certificateAuthority = .inline(Array("CA".utf8), name: "")
    plan.serverName = "kube"
    let plugin = ExecPlugin(version: .v1, command: "x", providesClusterInfo: true).knowing(cluster: plan)
    #expect(
      plugin.execInfo
        == #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"cluster":{"certificate-authority-data":"Q0E=","server":"https://h:6443","tls-server-name":"kube"},"interactive":false}}"#
    )
  }

  @Test("what goes wrong is an error, in which what was printed isn't")
  func failures() throws {
    #expect(
      message(try plugin("echo secret; echo 'log in first' >&2; exit 3")).contains(
        "ended with status 3: log in first"))
    #expect(message(try plugin("kill -9 $$")).contains("status -9"))
    #expect(message(try plugin("echo secret-stuff")).contains("no ExecCredential in JSON"))
    #expect(!message(try plugin("echo secret-stuff")).contains("secret-stuff"))
    #expect(
      message(try plugin(output("{}", version: .v1beta1))).contains(
        "apiVersion 'client.authentication.k8s.io/v1beta1'"))
    #expect(message(try plugin(output("{}"))).contains("neither a token nor a client certificate"))
    #expect(message(try plugin(output(#"{"clientKeyData":"k"}"#))).contains("go together"))
    #expect(
      message(try plugin(output(#"{"token":"t","expirationTimestamp":"soon"}"#))).contains(
        "'soon' isn't a time"))
    #expect(message(try plugin("yes | head -c 3000000")).contains("printed more than 1048576 bytes"))
    let missing = ExecPlugin(
      version: .v1, command: "no-such-program-here", installHint: "install it with apt")
    #expect(
      message(missing).contains(
        "'no-such-program-here' can't be started: No such file or directory; install it with apt"))
  }

  @Test(
    "a program that doesn't end is killed with all that it started, and so is what it left holding its output",
    arguments: ["sleep 600", "exit 0"])
  func deadline(end: String) async throws {
    let start = ContinuousClock.now
    let text = message(
      try plugin("sleep 600 & echo $! > \(folder.path("pid")); \(end)"), within: .seconds(1))
    #expect(text.contains("didn't end within 1s"))
    #expect(ContinuousClock.now - start < .seconds(15))
    let pid = try #require(
      Int32(try String(contentsOfFile: folder.path("pid"), encoding: .utf8).trimmed))
    try await eventually("what it started has ended") {
      // A killed process may still be a zombie of whoever inherits it.
      let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      return stat?.contains(") Z") ?? true
    }
  }

  @Test("a program that leaves something running in the background isn't waited for longer than itself")
  func background() throws {
    let plugin = try plugin("sleep 30 >/dev/null 2>&1 &\n" + output(#"{"token":"t"}"#))
    let start = ContinuousClock.now
    #expect(try plugin.run().token == "t")
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test("a credential is used until shortly before its end, or until it is refused")
  func expiry() async throws {
    let counter = folder.path("count")
    try folder.write("", to: "count")
    let plugin = try plugin(
      "echo x >> \(counter)\n"
        + #"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t%s","expirationTimestamp":"2026-11-23T03:08:50.5Z"}}' "$(wc -l < \#(counter))""#
    )
    try folder.write(
      """
      clusters: [{name: c, cluster: {server: 'https://h'}}]
      contexts: [{name: x, context: {cluster: c, user: u}}]
      current-context: x
      users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\(folder.path("login"))]}}}]
      """, to: "config")
    #expect(plugin.command == "/bin/sh")
    let time = Mutex(Timestamp(milliseconds: 1_795_403_330_500 - 100_000))
    let path = folder.path("config")
    let source = AccessSource(now: { time.withLock { $0 } }) { () throws(RegistryError) in
      AccessLocation(.files([path], mustExist: true))
    }
    #expect(try await source.current().token == "t1")
    #expect(try await source.current().token == "t1")
    time.withLock { $0.milliseconds += 89_000 }
    #expect(try await source.current().token == "t1")
    time.withLock { $0.milliseconds += 2000 }
    #expect(try await source.current().token == "t2")
    time.withLock { $0.milliseconds -= 50_000 }
    #expect(try await source.current().token == "t2")
    await source.refused()
    #expect(try await source.current().token == "t3")
  }

  @Test("nobody waits for a program once the task is cancelled")
  func cancellation() async throws {
    #expect(try plugin("touch \(folder.path("started")); sleep 600").arguments.count == 1)
    try folder.write(
      Kube.config(
        server: "https://h",
        user:
          "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\(folder.path("login"))]}}"
      ),
      to: "config")
    let path = folder.path("config")
    let source = AccessSource { () throws(RegistryError) in AccessLocation(.files([path], mustExist: true)) }
    let task = Task { try await source.current() }
    try await eventually("the program runs") { FilePaths.exists(folder.path("started")) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
