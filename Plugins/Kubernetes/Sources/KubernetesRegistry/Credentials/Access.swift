import Dialing
import HTTPTransport
import Platform
import RegistryKit

/// Everything that a request needs, read and ready.
struct Access: Sendable {
  typealias Endpoint = HTTPEndpoint

  /// Which cluster it is. Versions and Nodes of one mean nothing in another.
  struct Cluster: Hashable, Sendable {
    let server: ServerURL
    let certificateAuthority: [UInt8]?
    let serverName: String?
  }

  var endpoint: Endpoint
  /// The bearer token.
  var token: String?
  /// Which certificate authority is trusted, for messages.
  var authorityName: String
  /// What names all this, for messages.
  var origin: String
  /// Where the credentials come from, for messages: `token file '/…/token'`.
  var credentialName: String

  /// The cluster that is asked. A new authority counts as a new cluster: the address may have been given
  /// away.
  var cluster: Cluster {
    Cluster(
      server: endpoint.server, certificateAuthority: endpoint.certificateAuthority,
      serverName: endpoint.serverName)
  }
}

extension Access {
  /// What `plan` names, but for the credentials. Blocks.
  init(_ plan: AccessPlan) throws(RegistryError) {
    self.init(
      endpoint: Endpoint(
        server: plan.server,
        certificateAuthority: try plan.certificateAuthority?.read("certificate authority"),
        serverName: plan.serverName, isInsecure: plan.isInsecure, proxy: plan.proxy),
      authorityName: plan.certificateAuthority?.name ?? "the system's certificate authorities",
      origin: plan.origin, credentialName: plan.clientCertificate?.name ?? "no credentials at all")
  }

  /// Adds the credentials that `plan` names, but for those that a program prints. Blocks.
  mutating func readCredentials(_ plan: AccessPlan) throws(RegistryError) {
    endpoint.clientCertificate = try plan.clientCertificate?.read("client certificate")
    endpoint.clientKey = try plan.clientKey?.read("client key")
    switch plan.token {
    case .none: break
    case .inline(let text):
      token = text
      credentialName = "the token of \(plan.origin)"
    case .file(let path):
      token = try BearerToken.read(path)
      credentialName = "token file '\(path)'"
    case .exec(let plugin): credentialName = "the credential program '\(plugin.command)'"
    }
  }

  /// Adds what a program printed.
  mutating func use(_ credential: ExecPlugin.Credential) {
    token = credential.token
    endpoint.clientCertificate = credential.certificate
    endpoint.clientKey = credential.key
  }
}

extension AccessPlan.Material {
  /// How messages call it.
  var name: String {
    switch self {
    case .inline(_, let name): name
    case .file(let path): "'\(path)'"
    }
  }

  /// The bytes. Blocks.
  func read(_ what: String) throws(RegistryError) -> [UInt8] {
    switch self {
    case .inline(let bytes, _): bytes
    case .file(let path): try SmallFiles.read(path, what: what)
    }
  }
}
