import Foundation

/// A folder of its own for a test, gone afterwards.
struct TemporaryFolder {
  let path: String

  static func with(_ body: (TemporaryFolder) async throws -> Void) async throws {
    let folder = TemporaryFolder(
      path: FileManager.default.temporaryDirectory.path + "/rollcall-" + UUID().uuidString)
    try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    try await body(folder)
  }

  func file(_ name: String) -> String { path + "/" + name }

  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  func write(_ name: String, _ text: String) throws {
    try text.write(toFile: file(name), atomically: true, encoding: .utf8)
  }

  /// Makes a certificate for localhost that signs itself, and its key.
  func makeCertificate(_ name: String, subject: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2", "-subj", "/CN=\(subject)", "-addext", "subjectAltName=DNS:localhost",
      "-keyout", file("\(name).key"), "-out", file("\(name).crt"),
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw GaveUp() }
  }

  /// Puts what is at one name in place of another at once.
  func replace(_ name: String, with other: String) throws {
    try? FileManager.default.removeItem(atPath: file("swap"))
    try FileManager.default.copyItem(atPath: file(other), toPath: file("swap"))
    guard rename(file("swap"), file(name)) == 0 else { throw GaveUp() }
  }
}
