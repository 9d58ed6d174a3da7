import NIOSSL
import Platform

/// The certificate and key that new connections are served with, taken over anew when their files change.
final class ServerCertificate: Sendable {
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  /// Bytes that either file may have.
  private static let largest = 4 << 20

  private let certificatePath: String
  private let keyPath: String
  private let files: ReloadedFiles<NIOSSLContext>

  /// Loads both files.
  ///
  /// - Throws: ``Problem`` that names the file and what is wrong with it.
  init(certificatePath: String, keyPath: String) throws {
    self.certificatePath = certificatePath
    self.keyPath = keyPath
    files = try ReloadedFiles { try Self.load(certificatePath, keyPath) }
  }

  /// What a new connection's handler is to be made with.
  var context: NIOSSLContext { files.value }

  /// Takes the files over if they have changed; says whether it did.
  ///
  /// - Throws: ``Problem`` where the new files don't make a pair that can be used. The old one stays in use: of
  ///   two files that are replaced one after the other, the pair is often wrong for a moment.
  func reloadIfChanged() throws -> Bool {
    try files.reload(ifChanged: [certificatePath, keyPath]) { try Self.load(certificatePath, keyPath) }
  }

  private static func load(
    _ certificatePath: String, _ keyPath: String
  ) throws -> (NIOSSLContext, [FileSignature]) {
    let certificate = try BoundedFile.read(certificatePath, limit: largest)
    let keyFile = try BoundedFile.read(keyPath, limit: largest)
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMBytes(certificate.bytes)
    } catch {
      throw Problem(description: "\(certificatePath) isn't a certificate in PEM form")
    }
    guard !chain.isEmpty else { throw Problem(description: "\(certificatePath) has no certificate in it") }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(bytes: keyFile.bytes, format: .pem)
    } catch {
      throw Problem(description: "\(keyPath) isn't a private key in PEM form")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.applicationProtocols = ["h2"]
    configuration.minimumTLSVersion = .tlsv12
    do {
      return (try NIOSSLContext(configuration: configuration), [certificate.signature, keyFile.signature])
    } catch {
      throw Problem(description: "the key in \(keyPath) doesn't fit the certificate in \(certificatePath)")
    }
  }
}
