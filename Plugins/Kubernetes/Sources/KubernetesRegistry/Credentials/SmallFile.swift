import Glibc
import RegistryKit

/// Reads files that are small by their nature: configuration, certificates, tokens.
enum SmallFile {
  /// The most bytes that such a file may have.
  static let maximumBytes = 4 << 20

  /// The bytes of the file at `path`. Blocks.
  ///
  /// - Parameter what: names the file's purpose in errors, `token file`.
  static func read(_ path: String, what: String) throws(RegistryError) -> [UInt8] {
    // Not blocking: the open of a pipe without a writer would wait.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw failure(path, what, errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(path, what, errno)
      }
      bytes.append(contentsOf: buffer[..<count])
      guard bytes.count <= maximumBytes else {
        throw RegistryError(.limitExceeded, "\(what) '\(path)' has more than \(maximumBytes) bytes")
      }
    }
  }

  /// Whether there is a file at `path`.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// `path` from within `folder`, unless it is absolute.
  static func resolve(_ path: String, in folder: String) -> String {
    if path.hasPrefix("/") || folder.isEmpty { return path }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  /// The folder that the file at `path` is in.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func failure(_ path: String, _ what: String, _ code: Int32) -> RegistryError {
    RegistryError(
      code == EACCES || code == EPERM ? .permissionDenied : .unavailable,
      "\(what) '\(path)' can't be read: \(SystemErrorText.of(code))")
  }
}

/// The system's words for its error numbers.
enum SystemErrorText {
  static func of(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
