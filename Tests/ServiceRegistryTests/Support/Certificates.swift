import Foundation
import Glibc
import TestSupport

/// Certificates made by the command `openssl`, in a folder of their own.
struct Certificates {
  let folder: TemporaryFolder
  let authority: String

  /// Makes an authority.
  init() throws {
    folder = try TemporaryFolder()
    authority = folder.path("ca.pem")
    try openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      "-subj", "/CN=Test Authority", "-keyout", folder.path("ca.key"), "-out", authority,
    ])
  }

  /// Makes a certificate signed by the authority.
  func make(
    _ name: String, names: String, days: Int = 2
  ) throws -> (certificate: String, key: String) {
    let certificate = folder.path("\(name).pem")
    let key = folder.path("\(name).key")
    let request = folder.path("\(name).csr")
    let extensions = try folder.write("subjectAltName=\(names)\n", to: "\(name).ext")
    try openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
      "-keyout", key, "-out", request,
    ])
    try openssl([
      "x509", "-req", "-in", request, "-CA", authority, "-CAkey", folder.path("ca.key"), "-CAcreateserial",
      "-days", String(days), "-extfile", extensions, "-out", certificate,
    ])
    return (certificate, key)
  }

  /// Runs the command to its end, which takes a moment.
  private func openssl(_ arguments: [String]) throws {
    let log = folder.path("openssl.log")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = (["openssl"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let started = posix_spawnp(&process, "openssl", &actions, nil, &words, environ)
    guard started == 0 else { throw OpenSSLFailure(description: String(cString: strerror(started))) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) == -1 && errno == EINTR {}
    guard status == 0 else {
      let printed = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      throw OpenSSLFailure(description: "openssl \(arguments): \(printed)")
    }
  }
}

struct OpenSSLFailure: Error, CustomStringConvertible {
  var description: String
}
