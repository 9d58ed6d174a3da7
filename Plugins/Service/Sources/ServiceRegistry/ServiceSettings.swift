import ClusterModel
import DiscoveryProtocol
import Platform
import RegistryKit
import Sealing

/// Options that have been found to work.
struct ServiceSettings: Sendable {
  var services: [(url: ServiceURL, source: RegistrySource)]
  var clusterID: String
  var cipher: AffiliateCipher
  var ttl: Duration
  var tls: TLSFiles
  var tokenFile: String?
  var localNodeID: NodeIdentity?

  /// The files that TLS needs; read again for each connection, so that they may be renewed.
  struct TLSFiles: Sendable {
    var caFile: String?
    var clientCertFile: String?
    var clientKeyFile: String?
  }

  /// The time between two pings where nothing else comes: shorter than proxies let a connection be idle, which is
  /// 50 or 60 s with most, and not shorter than services take (Talos': 10 s).
  var keepAlive: Duration { max(.seconds(10), min(ttl / 10, .seconds(40))) }

  init(_ options: ServiceOptions, _ context: RegistryContext) throws(RegistryError) {
    func fail(_ why: String) -> RegistryError { RegistryError(.invalidArgument, why) }
    func path(_ text: String?) -> String? {
      text.map { FilePaths.resolve($0, base: context.baseDirectory) }
    }

    try options.check()
    services = try Self.services(options)
    guard let clusterID = options.clusterID ?? context.clusterID, !clusterID.isEmpty else {
      throw fail("there is no cluster id: write cluster.id, or clusterID here")
    }
    guard clusterID.utf8.count <= 256 else {
      throw fail("a cluster id has at most 256 bytes, this one has \(clusterID.utf8.count)")
    }
    self.clusterID = clusterID

    guard options.secret == nil || options.secretFile == nil else {
      throw fail("write either secret or secretFile, not both")
    }
    var text = context.clusterSecret ?? ""
    if let file = path(options.secretFile) { text = try Self.text(of: file, "secretFile") }
    guard options.secret != nil || !text.isEmpty else {
      throw fail("there is no cluster secret: write cluster.secret, or secret or secretFile here")
    }
    do throws(KeyError) {
      let key: ClusterKey
      if let secret = options.secret {
        key = try ClusterKey(bytes: secret.revealed)
      } else {
        key = try ClusterKey(base64: text)
      }
      cipher = AffiliateCipher(key: key)
    } catch {
      throw fail(error.message)
    }

    ttl = options.ttl

    guard (options.clientCertFile == nil) == (options.clientKeyFile == nil) else {
      throw fail("clientCertFile and clientKeyFile go together")
    }
    tls = TLSFiles(
      caFile: path(options.caFile), clientCertFile: path(options.clientCertFile),
      clientKeyFile: path(options.clientKeyFile))
    tokenFile = path(options.tokenFile)
    localNodeID = context.localNodeID
  }

  /// The text of a small file: a secret, a token.
  ///
  /// - Parameter option: which option names the file, for messages.
  static func text(of path: String, _ option: String) throws(RegistryError) -> String {
    try reading(path, option) { () throws(FileError) in try BoundedFile.text(path, limit: 1 << 16) }
  }

  /// The bytes of a file that isn't larger than any list of certificates.
  static func bytes(of path: String, _ option: String) throws(RegistryError) -> [UInt8] {
    try reading(path, option) { () throws(FileError) in try BoundedFile.read(path, limit: 1 << 22).bytes }
  }

  private static func reading<Content>(
    _ path: String, _ option: String, _ read: () throws(FileError) -> Content
  ) throws(RegistryError) -> Content {
    do throws(FileError) {
      return try read()
    } catch {
      throw RegistryError(
        .invalidArgument, "\(option) \(path) can't be read: \(error.explanation)", cause: error)
    }
  }

  /// The services of the options, each with its source: the only one, or named after its host.
  private static func services(
    _ options: ServiceOptions
  ) throws(RegistryError) -> [(url: ServiceURL, source: RegistrySource)] {
    var urls: [ServiceURL] = []
    for text in (options.endpoint.map { [$0] } ?? []) + options.endpoints {
      let url = try ServiceURL(text)
      if !urls.contains(url) { urls.append(url) }
    }
    if urls.isEmpty { urls = [.standard] }
    guard urls.count <= 16 else {
      throw RegistryError(.invalidArgument, "there are \(urls.count) endpoints, at most 16 can be used")
    }
    if urls.count == 1 { return [(urls[0], .only)] }
    var services: [(url: ServiceURL, source: RegistrySource)] = []
    for url in urls {
      let isUnique = urls.count { $0.host == url.host } == 1
      do throws(ModelError) {
        services.append((url, try RegistrySource(isUnique ? url.host : url.authority)))
      } catch {
        throw RegistryError(.invalidArgument, error.message)
      }
    }
    return services
  }
}
