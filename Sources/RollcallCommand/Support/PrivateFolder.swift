import Glibc
import Platform

/// A folder of this process alone, for what goes with it.
final class PrivateFolder: Sendable {
  let path: String

  /// Makes `rollcall-<purpose>-XXXXXX`, or `rollcall-XXXXXX` where no purpose is given, in `$TMPDIR`, else in `/tmp`.
  init(_ purpose: String = "") throws {
    let base = environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    let name = purpose.isEmpty ? "rollcall" : "rollcall-\(purpose)"
    var template = Array("\(base)/\(name)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CommandError(
        "can't make a folder in '\(base)': \(errnoText(errno)); name one that is writable by TMPDIR")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The path of `name` in it.
  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Removes it where nothing is in it but the files `names`.
  func remove(with names: [String] = []) {
    for name in names { unlink(file(name)) }
    rmdir(path)
  }

  /// Removes it with all that is in it, following no link.
  func removeAll() { Self.remove(path) }

  private static func remove(_ path: String) {
    // What isn't a folder is unlinked; a link to one too.
    guard unlink(path) != 0, let folder = opendir(path) else { return }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    closedir(folder)
    for name in names { remove("\(path)/\(name)") }
    rmdir(path)
  }
}
