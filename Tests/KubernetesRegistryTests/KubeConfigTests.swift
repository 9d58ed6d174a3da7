import Dialing
import Foundation
import HTTPTransport
import RegistryKit
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct KubeConfigTests {
  /// The plan that kubeconfig files give, the first one at `a/config`.
  private func plan(
    _ texts: String..., context: String? = nil, allowInsecure: Bool = false
  ) throws -> (plan: AccessPlan, folder: TemporaryFolder) {
    let folder = try TemporaryFolder()
    let paths = try texts.enumerated().map { index, text in
      try folder.write(text, to: "\(["a", "b", "c"][index])/config")
    }
    let location = AccessLocation(
      .files(paths, mustExist: false), context: context, allowInsecure: allowInsecure)
    return (try location.plan(), folder)
  }

  private func error(_ texts: String..., context: String? = nil) throws -> RegistryError {
    do {
      switch texts.count {
      case 1: _ = try plan(texts[0], context: context)
      default: _ = try plan(texts[0], texts[1], context: context)
      }
    } catch let error as RegistryError {
      return error
    }
    throw NotInTime(description: "there was no error")
  }

  private static let cluster = "clusters: [{name: c, cluster: {server: 'https://10.5.0.2:6443'}}]\n"
  private static let context = "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"

  /// A context without a user.
  private static let bare = "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n"

  private func config(user: String) -> String {
    Self.cluster + Self.context + "users: [{name: u, user: \(user)}]\n"
  }

  @Test("what kubectl writes is read")
  func typical() throws {
    let (plan, _) = try plan(
      """
      apiVersion: v1
      kind: Config
      preferences: {}
      clusters:
      - cluster:
          certificate-authority-data: Q0E=
          server: https://kube.example:6443/k8s/clusters/c-1/
          extensions: [{name: x, extension: {}}]
          disable-compression: true
        name: home
      contexts:
      - context: {cluster: home, user: me, namespace: default}
        name: me@home
      current-context: me@home
      users:
      - name: me
        user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
      """)
    #expect(plan.server == ServerURL(host: "kube.example", port: 6443, path: "/k8s/clusters/c-1"))
    #expect(plan.server.description == "https://kube.example:6443/k8s/clusters/c-1")
    guard case .inline(let authority, let name) = plan.certificateAuthority else {
      Issue.record("no authority")
      return
    }
    #expect(authority == Array("CA".utf8))
    #expect(name.contains("certificate-authority-data of cluster 'home'"))
    #expect(try plan.clientKey?.read("") == Array("KEY".utf8))
    #expect(plan.token == .none)
  }

  /// Files as they are found: what comes out stands in their first comments.
  private static let samples = [
    "anchors", "bom", "crlf", "folded", "json", "nulls", "numbers",
  ]

  @Test("kubeconfigs as people and tools write them are read", arguments: samples)
  func sample(name: String) throws {
    let path = try #require(Bundle.module.resourcePath) + "/Fixtures/kubeconfigs/\(name).yaml"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let expected = text.split(whereSeparator: \.isNewline).compactMap { line -> [Substring]? in
      let words = line.drop { "\u{FEFF}# ".contains($0) }.split(separator: " ")
      return words.count == 2 && ["server", "token"].contains(words[0]) ? words : nil
    }
    // JSON has no comments.
    let content = name == "json" ? String(text.drop { $0 != "{" }) : text
    let (plan, _) = try plan(content)
    #expect(expected.first?.last.map(String.init) == plan.server.description)
    let token =
      switch plan.token {
      case .none: "none"
      case .inline: "inline"
      case .file: "file"
      case .exec: "exec"
      }
    #expect(expected.last?.last.map(String.init) == token)
  }

  @Test("every sample is read")
  func samplesComplete() throws {
    let folder = try #require(Bundle.module.resourcePath) + "/Fixtures/kubeconfigs"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(names.sorted() == Self.samples.map { "\($0).yaml" }.sorted())
  }

  @Test("merge keys and anchors are read as kubectl reads them")
  func mergeKeys() throws {
    let (plan, folder) = try plan(
      """
      x-cluster: &defaults
        certificate-authority: ca.crt
        server: https://unused
      clusters:
      - name: c
        cluster:
          <<: *defaults
          server: https://kube.example
      - {name: d, cluster: {<<: [*defaults]}}
      users:
      - name: base
        user: &user {tokenFile: token}
      - {name: u, user: {<<: *user}}
      contexts: [{name: x, context: {cluster: c, user: u}}]
      current-context: x
      """)
    #expect(plan.server.description == "https://kube.example:443")
    #expect(plan.certificateAuthority == .file("\(folder.path)/a/ca.crt"))
    #expect(plan.token == .file("\(folder.path)/a/token"))
  }

  @Test("of several files the first one's entry counts, and each one's paths are relative to its own folder")
  func merging() throws {
    let (plan, folder) = try plan(
      "current-context: ''\nclusters: [{name: c, cluster: {server: 'https://first', certificate-authority: ca.crt}}]\n",
      """
      current-context: x
      clusters: [{name: c, cluster: {server: 'https://second'}}]
      contexts: [{name: x, context: {cluster: c, user: u}}]
      users: [{name: u, user: {tokenFile: secret/token}}]
      """,
      "current-context: y\nusers: [{name: u, user: {token: other}}]\n")
    #expect(plan.server.host == "first")
    #expect(plan.server.port == 443)
    #expect(plan.certificateAuthority == .file("\(folder.path)/a/ca.crt"))
    #expect(plan.token == .file("\(folder.path)/b/secret/token"))
  }

  @Test("a context that isn't there is refused with those that are")
  func wrongContext() throws {
    let error = try error(Self.cluster + Self.context, context: "nope")
    #expect(error.message.contains("there is no context 'nope'; there are: 'x'"))
    let none = try self.error(
      Self.cluster + "contexts: [{name: x, context: {cluster: c}}, {name: b, context: {}}]")
    #expect(
      none.message.contains("there is no current-context; set the option 'context' to one of: 'b', 'x'"))
    let dangling = try self.error(Self.cluster + Self.context)
    #expect(dangling.message.contains("config:2:"))
    #expect(dangling.message.contains("names user 'u', which isn't there; there are: none"))
  }

  @Test(
    "what isn't supported is refused by its name and place",
    arguments: [
      ("{auth-provider: {name: gcp}}", "auth-provider"),
      ("{username: me, password: secret-password}", "username"),
      ("{token: t, as: somebody}", "as"), ("{token: t, as-groups: [g]}", "as-groups"),
      ("{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}", "v1alpha1"),
      (
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}",
        "interactiveMode"
      ),
    ])
  func unsupported(user: String, name: String) throws {
    let error = try error(config(user: user))
    #expect(error.code == .unsupported)
    #expect(error.message.contains(name))
    #expect(error.message.contains("a/config:4:"))
    #expect(!error.message.contains("secret-password"))
  }

  @Test("insecure-skip-tls-verify is refused unless it is allowed")
  func insecure() throws {
    let text =
      "clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: true}}]\n" + Self.context
      + "users: [{name: u, user: {token: t}}]"
    let error = try error(text)
    #expect(error.message.contains("allowInsecure: true"))
    #expect(try plan(text, allowInsecure: true).plan.isInsecure)
  }

  @Test("a token over plain HTTP is refused unless it is allowed")
  func plainToken() throws {
    let text = Kube.config(server: "http://h", user: "{token: t}")
    #expect(try error(text).message.contains("plain HTTP"))
    #expect(try plan(text, allowInsecure: true).plan.token == .inline("t"))
    #expect(try plan(Kube.config(server: "http://h:8001")).plan.server.port == 8001)
  }

  @Test("base64 in lines is read as kubectl reads it", arguments: ["|", "|-", "|+"])
  func lines(style: String) throws {
    let config = """
      clusters:
      - name: c
        cluster:
          server: https://h
          certificate-authority-data: \(style)
            Q0FD

            QUNB
      contexts: [{name: x, context: {cluster: c}}]
      current-context: x

      """
    guard case .inline(let bytes, _) = try plan(config).plan.certificateAuthority else {
      Issue.record("it isn't inline")
      return
    }
    #expect(String(decoding: bytes, as: UTF8.self) == "CACACA")
  }

  @Test(
    "mistakes are refused with what would be right",
    arguments: [
      ("clusters: {a: b}", "clusters is a list, not a mapping"),
      ("clusters: [{cluster: {}}]", "an item of clusters has a name"),
      ("[1]", "a kubeconfig is a mapping, not a list"),
      ("clusters: [", "config:"),
      ("clusters: [{name: c, cluster: {server: 'kube:6443'}}]\n" + bare, "https://10.5.0.2:6443"),
      (cluster + context + "users: [{name: u, user: {client-certificate-data: Q0VSVA==}}]", "go together"),
      (
        cluster + context + "users: [{name: u, user: {client-certificate-data: '*', client-key-data: '*'}}]",
        "isn't base64"
      ),
      (cluster + context + "users: [{name: u, user: {token: \"a b\"}}]", "the token has a space"),
      (
        "clusters: [{name: c, cluster: {server: 'https://h', tls-server-name: 10.0.0.1}}]\n" + bare,
        "tls-server-name is a name"
      ),
      (
        "clusters: [{name: c, cluster: {server: 'https://h', proxy-url: 'ftp://p'}}]\n" + bare,
        "proxy-url names a proxy of a kind that isn't supported; http, https and socks5 are"
      ),
      (
        "clusters: [{name: c, cluster: {server: 'https://h', proxy-url: 'p'}}]\n" + bare,
        "proxy-url isn't a URL"
      ),
    ])
  func mistakes(text: String, expected: String) throws {
    let error = try error(text)
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(error.message.contains("a/config:"))
    #expect(!error.message.contains("a b"))
  }

  @Test("proxies are understood")
  func proxies() throws {
    func proxy(_ url: String) throws -> ProxyURL? {
      try plan(
        "clusters: [{name: c, cluster: {server: 'https://h', proxy-url: '\(url)'}}]\n"
          + "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x"
      ).plan.proxy
    }
    #expect(
      try proxy("http://p.example:3128")
        == ProxyURL(kind: .http, host: "p.example", port: 3128, credentials: nil))
    #expect(
      try proxy("http://me:p%40ss@p.example")
        == ProxyURL(kind: .http, host: "p.example", port: 80, credentials: "me:p@ss"))
    #expect(
      try proxy("https://p.example") == ProxyURL(kind: .https, host: "p.example", port: 443, credentials: nil)
    )
    #expect(
      try proxy("socks5://[::1]:1080") == ProxyURL(kind: .socks, host: "::1", port: 1080, credentials: nil))
  }

  @Test("a token file counts more than a token, and is read anew each time")
  func tokenFile() async throws {
    let folder = try TemporaryFolder()
    try folder.write("one\n", to: "token")
    try folder.write(config(user: "{token: inline, tokenFile: token}"), to: "config")
    let path = folder.path("config")
    let source = AccessSource { () throws(RegistryError) in AccessLocation(.files([path], mustExist: true)) }
    #expect(try await source.current().token == "one")
    try folder.replace("token", with: "two")
    #expect(try await source.current().token == "two")
    try folder.replace("token", with: "")
    let error = RegistryError(.invalidArgument, "token file '\(folder.path("token"))' is empty")
    await #expect(throws: AccessSource.Failure(error: error, isOfCredentials: true)) {
      try await source.current()
    }
    // Which cluster it is, is known all the same.
    #expect(try await source.cluster().server.host == "10.5.0.2")
  }

  @Test("where to look: the option, KUBECONFIG, the pod's service account, the home folder")
  func locations() throws {
    let folder = try TemporaryFolder()
    try folder.write("t", to: "token")
    func kind(_ options: String, _ environment: [String: String]) throws -> AccessLocation.Kind {
      try AccessLocation(
        settings: try KubernetesSettings(KubernetesOptions(json: options)), baseDirectory: "/base",
        environment: environment,
        serviceAccountFolder: folder.path
      ).kind
    }
    let pod = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": "/home/me"]
    let account = AccessLocation.Kind.serviceAccount(folder: folder.path, host: "10.0.0.1", port: "443")
    #expect(try kind(#"{"kubeconfig":"c"}"#, pod) == .files(["/base/c"], mustExist: true))
    #expect(try kind("{}", pod) == account)
    // A service account has no contexts.
    #expect(
      try kind(#"{"context":"x"}"#, pod) == .files(["/home/me/.kube/config"], mustExist: true))
    #expect(try kind(#"{"inCluster":true}"#, pod.merging(["KUBECONFIG": "/x"]) { $1 }) == account)
    #expect(
      try kind("{}", pod.merging(["KUBECONFIG": "/x:/y"]) { $1 })
        == .files(["/x", "/y"], mustExist: false))
    #expect(
      try kind(#"{"inCluster":false}"#, pod) == .files(["/home/me/.kube/config"], mustExist: true)
    )
    #expect(throws: RegistryError.self) { try kind(#"{"inCluster":true}"#, [:]) }
    #expect(throws: RegistryError.self) { try kind("{}", [:]) }
    #expect(throws: RegistryError.self) { try kind(#"{"kubeconfig":"c","inCluster":true}"#, pod) }
  }

  @Test("a pod's service account is its files")
  func serviceAccount() async throws {
    let folder = try TemporaryFolder()
    try folder.write("t0\n", to: "token")
    try folder.write("CA", to: "ca.crt")
    let source = AccessSource { [path = folder.path] () throws(RegistryError) in
      AccessLocation(.serviceAccount(folder: path, host: "fd00::1", port: ""))
    }
    let access = try await source.current()
    #expect(access.endpoint.server.description == "https://[fd00::1]:443")
    #expect(access.token == "t0")
    #expect(access.endpoint.certificateAuthority == Array("CA".utf8))
    try folder.replace("token", with: "t1")
    try folder.replace("ca.crt", with: "CB")
    let later = try await source.current()
    #expect(later.token == "t1")
    #expect(later.endpoint != access.endpoint)
  }

  @Test(
    "URLs are read strictly",
    arguments: [
      "", "https://", "kube:6443", "ftp://x", "https://u:p@h", "https://h:0", "https://h:99999",
      "https://h?x", "https://[::1",
    ])
  func urls(text: String) {
    #expect(ServerURL(text) == nil)
  }
}
