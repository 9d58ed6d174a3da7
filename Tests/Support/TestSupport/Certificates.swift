/// An authority and what it signs, made by the command `openssl` in a folder of their own.
public struct Certificates: Sendable {
  public let folder: TemporaryFolder
  /// The authority's certificate, a file.
  public let authority: String

  /// Makes an authority.
  public init() async throws {
    folder = try TemporaryFolder()
    authority = folder.path("ca.pem")
    try await openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      "-subj", "/CN=Test Authority", "-keyout", folder.path("ca.key"), "-out", authority,
    ])
  }

  /// Makes a certificate signed by the authority, and its key.
  ///
  /// - Parameter names: whom it is for, such as `DNS:localhost,IP:127.0.0.1`.
  public func make(
    _ name: String, names: String, days: Int = 2
  ) async throws -> (certificate: String, key: String) {
    let certificate = folder.path("\(name).pem")
    let key = folder.path("\(name).key")
    let request = folder.path("\(name).csr")
    let extensions = try folder.write("subjectAltName=\(names)\n", to: "\(name).ext")
    try await openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
      "-keyout", key, "-out", request,
    ])
    try await openssl([
      "x509", "-req", "-in", request, "-CA", authority, "-CAkey", folder.path("ca.key"), "-CAcreateserial",
      "-days", String(days), "-extfile", extensions, "-out", certificate,
    ])
    return (certificate, key)
  }

  private func openssl(_ arguments: [String]) async throws {
    let result = try await ChildProcess.run("openssl", arguments)
    guard result.status == 0 else { throw OpenSSLFailure(description: "openssl \(arguments): \(result)") }
  }
}

/// What `openssl` couldn't make.
public struct OpenSSLFailure: Error, CustomStringConvertible {
  public let description: String
}
