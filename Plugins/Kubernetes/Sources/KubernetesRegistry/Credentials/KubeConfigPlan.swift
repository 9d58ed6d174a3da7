import ClusterModel
import Dialing
import Documents
import HTTPTransport
import Platform
import RegistryKit

extension AccessPlan {
  /// What the context `name` of `config`, or its current one, says.
  ///
  /// - Parameter allowInsecure: whether `insecure-skip-tls-verify` and a token over plain HTTP are accepted.
  init(_ config: KubeConfig, context name: String?, allowInsecure: Bool) throws(RegistryError) {
    let (context, cluster, user) = try config.select(name)
    let clusterFields = EntryFields(cluster, what: "cluster")
    guard let text = try clusterFields.text("server"), let server = ServerURL(text) else {
      throw clusterFields.error(
        "server", "its server isn't a URL such as https://10.5.0.2:6443, which is what is needed")
    }
    self.init(server: server, origin: "context '\(context.name)' of \(context.file)")
    certificateAuthority = try clusterFields.material("certificate-authority")
    serverName = try clusterFields.text("tls-server-name")
    if let serverName, IPText.isAddress(serverName) {
      throw clusterFields.error("tls-server-name", "tls-server-name is a name, not an address")
    }
    if try clusterFields.bool("insecure-skip-tls-verify") {
      guard allowInsecure else {
        throw clusterFields.error(
          "insecure-skip-tls-verify",
          "insecure-skip-tls-verify lets anybody between here and the server read the credentials; give the server's "
            + "certificate-authority instead, or accept that with the option 'allowInsecure: true'")
      }
      guard certificateAuthority == nil else {
        throw clusterFields.error(
          "insecure-skip-tls-verify",
          "insecure-skip-tls-verify and a certificate authority exclude each other")
      }
      isInsecure = true
    }
    proxy = try clusterFields.proxy()
    if let user { try take(EntryFields(user, what: "user"), cluster: cluster) }
    if !server.isSecure, token != .none, !allowInsecure {
      throw clusterFields.error(
        "server",
        "a token would go over plain HTTP, where anybody can read it; use https, or accept that with the "
          + "option 'allowInsecure: true'")
    }
  }

  private mutating func take(_ user: EntryFields, cluster: KubeConfig.Entry) throws(RegistryError) {
    for key in user.keys where EntryFields.unsupportedUserKeys.contains(key) {
      throw user.error(
        key, "\(key) isn't supported; use a client certificate, token, tokenFile or exec", code: .unsupported)
    }
    clientCertificate = try user.material("client-certificate")
    clientKey = try user.material("client-key")
    if (clientCertificate == nil) != (clientKey == nil) {
      throw user.error(
        clientCertificate == nil ? "client-key" : "client-certificate",
        "client-certificate and client-key go together")
    }
    // As kubectl: a file counts more than what is written in its place.
    if let file = try user.path("tokenFile") {
      token = .file(file)
    } else if let text = try user.text("token") {
      guard BearerToken.isValid(text) else {
        throw user.error(
          "token", "the token has a space, a line break or another character that a token can't have")
      }
      token = .inline(text)
    }
    if let exec = try user.exec() {
      guard token == .none, clientCertificate == nil else {
        throw user.error("exec", "exec excludes a token and a client certificate")
      }
      token = .exec(exec.knowing(cluster: self))
    }
  }
}

/// Reads the fields of an entry; errors have their places.
struct EntryFields {
  /// Ways to authenticate that others know and we don't.
  static let unsupportedUserKeys = [
    "auth-provider", "username", "password", "as", "as-uid", "as-groups", "as-user-extra",
  ]

  private let entry: KubeConfig.Entry
  private let what: String

  init(_ entry: KubeConfig.Entry, what: String) {
    self.entry = entry
    self.what = what
  }

  /// The keys that have a value.
  var keys: [String] {
    (entry.node.pairs ?? []).filter { !$0.value.isNull && $0.value.scalar?.text != "" }.map(\.key)
  }

  func error(_ key: String, _ message: String, code: RegistryError.Code = .invalidArgument) -> RegistryError {
    let mark = entry.node.pairs?.first { $0.key == key }?.keyMark ?? entry.node.mark
    return RegistryError(
      code, "\(entry.file):\(mark.line):\(mark.column): \(what) '\(entry.name)': \(message)")
  }

  /// Text; nil where there is none.
  func text(_ key: String) throws(RegistryError) -> String? {
    guard let node = entry.node[key], !node.isNull else { return nil }
    guard let scalar = node.scalar else { throw error(key, "\(key) is text, not \(node.kindName)") }
    return scalar.text.isEmpty ? nil : scalar.text
  }

  func bool(_ key: String) throws(RegistryError) -> Bool {
    guard let node = entry.node[key], !node.isNull else { return false }
    guard let value = node.bool else { throw error(key, "\(key) is true or false, not \(node.kindName)") }
    return value
  }

  /// A path, relative to the folder of the kubeconfig that it is written in.
  func path(_ key: String) throws(RegistryError) -> String? {
    try text(key).map { FilePaths.resolve($0, base: FilePaths.folder(of: entry.file)) }
  }

  /// PEM: what `<key>-data` holds in base64, or the file that `key` names.
  func material(_ key: String) throws(RegistryError) -> AccessPlan.Material? {
    if let text = try text("\(key)-data") {
      guard let bytes = Base64.decodeLeniently(text) else {
        throw error("\(key)-data", "\(key)-data isn't base64")
      }
      return .inline(bytes, name: "\(key)-data of \(what) '\(entry.name)' in \(entry.file)")
    }
    return try path(key).map { .file($0) }
  }

  func proxy() throws(RegistryError) -> ProxyURL? {
    let key = "proxy-url"
    guard let text = try text(key) else { return nil }
    guard text.contains("://") else {
      throw error(key, "proxy-url isn't a URL such as http://proxy.example:3128")
    }
    do throws(ProxyError) {
      return try ProxyURL(text)
    } catch {
      throw self.error(key, "proxy-url \(error.message)")
    }
  }

  func exec() throws(RegistryError) -> ExecPlugin? {
    guard let node = entry.node["exec"], !node.isNull else { return nil }
    let fields = EntryFields(
      KubeConfig.Entry(name: entry.name, file: entry.file, node: node), what: "exec of user")
    let version = try fields.text("apiVersion") ?? ""
    guard let apiVersion = ExecPlugin.Version(rawValue: version) else {
      let known = ExecPlugin.Version.allCases.map { "'\($0.rawValue)'" }.joined(separator: " and ")
      throw fields.error(
        "apiVersion", "apiVersion '\(version)' isn't supported; \(known) are", code: .unsupported)
    }
    guard let command = try fields.text("command") else {
      throw fields.error("command", "there is no command to run")
    }
    if try fields.text("interactiveMode") == "Always" {
      throw fields.error(
        "interactiveMode", "interactiveMode Always isn't supported: there is no terminal", code: .unsupported)
    }
    var environment: [ExecPlugin.Variable] = []
    for item in node["env"]?.items ?? [] {
      guard let name = item["name"]?.scalar?.text, !name.isEmpty, let value = item["value"]?.scalar?.text
      else {
        throw fields.error("env", "an item of env has a name and a value")
      }
      environment.append(ExecPlugin.Variable(name: name, value: value))
    }
    return ExecPlugin(
      version: apiVersion,
      // A bare name is looked for in PATH.
      command: command.contains("/")
        ? FilePaths.resolve(command, base: FilePaths.folder(of: entry.file)) : command,
      arguments: (node["args"]?.items ?? []).compactMap { $0.scalar?.text }, environment: environment,
      installHint: try fields.text("installHint"),
      providesClusterInfo: try fields.bool("provideClusterInfo"))
  }
}

/// The percent encoding of URLs.
enum PercentText {
  /// `text` with each `%41` as what it stands for. What isn't well-formed stays as it is.
  static func decode(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `text` for the query of a URL or one part of its path.
  static func encode(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-._~".utf8.contains(byte)
      if isPlain {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return result
  }
}

/// Texts that are IP addresses.
enum IPText {
  static func isAddress(_ text: String) -> Bool { (try? IPAddress(text)) != nil }
}
