import Dialing
import HTTPTransport

/// Where the API server is and how to be known to it, as a kubeconfig or a pod's surroundings say: names of
/// files and programs, none of which has been read or run.
struct AccessPlan: Hashable, Sendable {
  /// PEM bytes, or where they are.
  enum Material: Hashable, Sendable {
    /// What was written, and how messages call it.
    case inline([UInt8], name: String)
    case file(String)
  }

  /// What the bearer token, where there is one, comes from.
  enum Token: Hashable, Sendable {
    case none
    case inline(String)
    /// A file that is read again before each request, as tokens rotate.
    case file(String)
    /// A program that prints it.
    case exec(ExecPlugin)
  }

  var server: ServerURL
  /// What the server's certificate is checked against; nil for the system's authorities.
  var certificateAuthority: Material?
  /// The name that the server's certificate must have, instead of the URL's host.
  var serverName: String?
  /// Whether the server's certificate isn't checked at all.
  var isInsecure = false
  var proxy: ProxyURL?
  var clientCertificate: Material?
  var clientKey: Material?
  var token: Token = .none
  /// Who says all this, for messages: `context 'home' of ~/.kube/config`.
  var origin: String
}
