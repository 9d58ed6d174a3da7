import TestSupport

/// Certificates made by the command `openssl`, in a folder of their own.
struct Certificates {
  let folder: TemporaryFolder
  let authority: String

  /// Makes an authority.
  init() async throws {
    folder = try TemporaryFolder()
    authority = folder.path("ca.pem")
    try await Self.openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      "-subj", "/CN=Test Authority", "-keyout", folder.path("ca.key"), "-out", authority,
    ])
  }

  /// Makes a certificate signed by the authority.
  func make(
    _ name: String, names: String, days: Int = 2
  ) async throws -> (certificate: String, key: String) {
    let certificate = folder.path("\(name).pem")
    let key = folder.path("\(name).key")
    let request = folder.path("\(name).csr")
    let extensions = try folder.write("subjectAltName=\(names)\n", to: "\(name).ext")
    try await Self.openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
      "-keyout", key, "-out", request,
    ])
    try await Self.openssl([
      "x509", "-req", "-in", request, "-CA", authority, "-CAkey", folder.path("ca.key"), "-CAcreateserial",
      "-days", String(days), "-extfile", extensions, "-out", certificate,
    ])
    return (certificate, key)
  }

  private static func openssl(_ arguments: [String]) async throws {
    let result = try await ChildProcess("openssl", arguments).result()
    guard result.status == 0 else { throw OpenSSLFailure(description: result.errors) }
  }
}

struct OpenSSLFailure: Error, CustomStringConvertible {
  var description: String
}
