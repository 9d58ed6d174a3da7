import Logging
import NIOSSL
import Synchronization

/// The certificate and key that new connections are served with, taken over anew when their files change.
final class ServerCertificate: Sendable {
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  private struct Loaded {
    var context: NIOSSLContext
    var signatures: [Files.Signature]
  }

  private let certificatePath: String
  private let keyPath: String
  private let loaded: Mutex<Loaded>

  /// Loads both files.
  ///
  /// - Throws: ``Problem`` that names the file and what is wrong with it.
  init(certificatePath: String, keyPath: String) throws {
    self.certificatePath = certificatePath
    self.keyPath = keyPath
    loaded = Mutex(try Self.load(certificatePath, keyPath))
  }

  /// What a new connection's handler is to be made with.
  var context: NIOSSLContext { loaded.withLock { $0.context } }

  /// Takes the files over if they have changed; says whether it did.
  ///
  /// - Throws: ``Problem`` where the new files don't make a pair that can be used. The old one stays in use: of
  ///   two files that are replaced one after the other, the pair is often wrong for a moment.
  func reloadIfChanged() throws -> Bool {
    let signatures = try Self.signatures(certificatePath, keyPath)
    let isNew = loaded.withLock { loaded in
      defer { loaded.signatures = signatures }
      return loaded.signatures != signatures
    }
    // Files that can't be used are told of once, and looked at again when they change again.
    guard isNew else { return false }
    let new = try Self.load(certificatePath, keyPath)
    loaded.withLock { $0 = new }
    return true
  }

  private static func signatures(_ paths: String...) throws -> [Files.Signature] {
    try paths.map { try Files.signature($0) }
  }

  private static func load(_ certificatePath: String, _ keyPath: String) throws -> Loaded {
    let signatures = try signatures(certificatePath, keyPath)
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMBytes(try Files.read(certificatePath))
    } catch let error as FileProblem {
      throw error
    } catch {
      throw Problem(description: "\(certificatePath) isn't a certificate in PEM form: \(error)")
    }
    guard !chain.isEmpty else { throw Problem(description: "\(certificatePath) has no certificate in it") }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(bytes: try Files.read(keyPath), format: .pem)
    } catch let error as FileProblem {
      throw error
    } catch {
      throw Problem(description: "\(keyPath) isn't a private key in PEM form")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.applicationProtocols = ["h2"]
    configuration.minimumTLSVersion = .tlsv12
    do {
      return Loaded(context: try NIOSSLContext(configuration: configuration), signatures: signatures)
    } catch {
      throw Problem(
        description: "the key in \(keyPath) doesn't fit the certificate in \(certificatePath): \(error)")
    }
  }
}
