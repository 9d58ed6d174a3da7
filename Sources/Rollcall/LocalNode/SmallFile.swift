import Glibc

/// Files of a few lines, read with what the system gives.
enum SmallFile {
  /// The most that is read.
  static let limit = 65_536

  /// The text of the file at `path`; nil where it can't be read, has more than ``limit`` bytes or isn't UTF-8.
  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return readAll(file).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// All bytes of the open file; nil on an error, with errno set, or where there are more than ``limit``.
  static func readAll(_ file: Int32) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= limit {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += buffer.prefix(count)
    }
    errno = EFBIG
    return nil
  }

  /// Writes all of `bytes`; false on an error, with errno set.
  static func writeAll(_ file: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
