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
  /// - Parameters:
  ///   - names: whom it is for, such as `DNS:localhost,IP:127.0.0.1`; empty: nobody.
  ///   - issuer: the name of the authority among those made that signs it, nil for the first; its own for one that
  ///     signs itself.
  ///   - isAuthority: whether it may sign others.
  public func make(
    _ name: String, names: String, days: Int = 2, by issuer: String? = nil, isAuthority: Bool = false
  ) async throws -> (certificate: String, key: String) {
    let certificate = folder.path("\(name).pem")
    let key = folder.path("\(name).key")
    let request = folder.path("\(name).csr")
    let extensions = try folder.write(
      (names.isEmpty ? "" : "subjectAltName=\(names)\n")
        + "basicConstraints=\(isAuthority ? "critical,CA:TRUE" : "CA:FALSE")\n", to: "\(name).ext")
    try await openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
      "-keyout", key, "-out", request,
    ])
    let signing =
      issuer == name
      ? ["-signkey", key]
      : [
        "-CA", issuer.map { folder.path("\($0).pem") } ?? authority, "-CAkey",
        folder.path("\(issuer ?? "ca").key"), "-CAcreateserial",
      ]
    try await openssl(
      ["x509", "-req", "-in", request] + signing + [
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
