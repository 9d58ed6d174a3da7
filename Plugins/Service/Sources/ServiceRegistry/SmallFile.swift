import Glibc
import RegistryKit

/// Files of a line or a few: secrets, tokens.
enum SmallFile {
  static let maximumLength = 1 << 16

  /// The text of the file at `path`.
  ///
  /// - Parameter what: what the file is, for messages.
  static func read(_ path: String, _ what: String) throws(RegistryError) -> String {
    guard let file = fopen(path, "re") else {
      throw RegistryError(
        .invalidArgument, "\(what) \(path) can't be read: \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: maximumLength + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0 else {
      throw RegistryError(
        .invalidArgument, "\(what) \(path) can't be read: \(String(cString: strerror(errno)))")
    }
    guard count <= maximumLength else {
      throw RegistryError(.invalidArgument, "\(what) \(path) has more than \(maximumLength) bytes")
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// `path` where it is absolute, else below `base`.
  static func resolve(_ path: String, base: String) -> String {
    path.hasPrefix("/") ? path : "\(base.isEmpty ? "." : base)/\(path)"
  }
}
