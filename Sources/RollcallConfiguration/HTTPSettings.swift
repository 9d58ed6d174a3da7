public import ClusterModel
import Documents

/// `http:`: over which address, beside the Unix socket, others may read what is known.
public struct HTTPSettings: Hashable, Sendable {
  /// `http.tls`
  public struct TLS: Hashable, Sendable {
    /// The path of the certificate and those that lead to it, in PEM.
    public var certFile: String
    /// The path of its key, in PEM.
    public var keyFile: String
    /// The path of the authorities whose certificates let clients in; nil: none does.
    public var clientCAFile: String?

    /// TLS with that certificate.
    public init(certFile: String, keyFile: String, clientCAFile: String? = nil) {
      self.certFile = certFile
      self.keyFile = keyFile
      self.clientCAFile = clientCAFile
    }
  }

  /// Where it listens.
  public var listen: IPEndpoint
  /// Under which names it is asked, beside localhost, loopback addresses and ``listen``.
  public var hosts: [String]
  /// How it is encrypted; nil: not at all, which only loopback addresses may.
  public var tls: TLS?
  /// The path of a file with tokens, of which each request has to have one; nil: none is needed.
  public var tokensFile: String?
  /// Whether there is a page for people.
  public var page: Bool

  /// Where `http:` is left empty: ROLL on a phone.
  public static let defaultListen = "127.0.0.1:7655"

  /// Reading over `listen`.
  public init(
    listen: IPEndpoint, hosts: [String] = [], tls: TLS? = nil, tokensFile: String? = nil, page: Bool = true
  ) {
    self.listen = listen
    self.hosts = hosts
    self.tls = tls
    self.tokensFile = tokensFile
    self.page = page
  }
}

/// Reads `http:`.
struct HTTPReader {
  let section: FieldReader
  /// The folder that paths are relative to.
  let base: String

  /// - Returns: nil where there is no such section, or where it can't be used, which has been reported.
  func read() -> HTTPSettings? {
    guard !section.isMissing else { return nil }
    let errors = section.diagnostics.errors.count
    let listen = section.value("listen") { (text) throws(ModelError) in try Self.endpoint(text) }
    let hosts = section.list("hosts", of: "host names", maximum: 64) { (text) throws(ModelError) in
      try Self.host(text)
    }
    let tls = tls(section.section("tls", keys: ConfigurationKeys.httpTLS))
    let tokensFile = section.path("tokensFile", base: base)
    let page = section.bool("page") ?? true
    guard section.diagnostics.errors.count == errors,
      let listen = listen ?? (try? Self.endpoint(HTTPSettings.defaultListen))
    else { return nil }
    if !listen.address.isLoopback {
      // Who is in the cluster is nobody else's business, and neither are the tokens.
      if tls == nil {
        section.error(
          "listen",
          "\(listen) isn't a loopback address, so it needs http.tls and, of http.tokensFile and http.tls.clientCAFile, one"
        )
        return nil
      }
      if tokensFile == nil, tls?.clientCAFile == nil {
        section.error(
          "listen", "\(listen) isn't a loopback address, so it needs http.tokensFile or http.tls.clientCAFile"
        )
        return nil
      }
    }
    return HTTPSettings(
      listen: listen, hosts: hosts ?? [], tls: tls, tokensFile: tokensFile, page: page)
  }

  private func tls(_ section: FieldReader) -> HTTPSettings.TLS? {
    guard !section.isMissing, section.node != nil else { return nil }
    let certFile = section.path("certFile", base: base)
    let keyFile = section.path("keyFile", base: base)
    let clientCAFile = section.path("clientCAFile", base: base)
    for (key, value) in [("certFile", certFile), ("keyFile", keyFile)] where value == nil {
      if section.pair(key) == nil { section.error(section.mark, "\(section.path) needs \(key)") }
    }
    guard let certFile, let keyFile else { return nil }
    return HTTPSettings.TLS(certFile: certFile, keyFile: keyFile, clientCAFile: clientCAFile)
  }

  private static func endpoint(_ text: String) throws(ModelError) -> IPEndpoint {
    // `localhost` is what people write, and is always the same.
    let text = text.hasPrefix("localhost:") ? "127.0.0.1:" + text.dropFirst("localhost:".count) : text
    do { return try IPEndpoint(text) } catch {
      throw ModelError("\(error.message); write an address and a port, such as \(HTTPSettings.defaultListen)")
    }
  }

  private static func host(_ text: String) throws(ModelError) -> String {
    let host = text.lowercased()
    let isName = host.utf8.allSatisfy {
      0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || [0x2D, 0x2E, 0x5F].contains($0)
    }
    guard isName, host.utf8.count <= 253 else {
      throw ModelError("\(quoted(text)) isn't a host's name: it has letters, digits, '-', '.', and no port")
    }
    return host
  }
}
