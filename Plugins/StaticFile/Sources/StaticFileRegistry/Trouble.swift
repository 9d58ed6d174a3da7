import Glibc
import RegistryKit

/// Until the reading of files is Platform's.
typealias Trouble = RegistryError

extension RegistryError {
  /// What the system said of `path`.
  init(path: String, errno code: Int32) {
    let reason = Self.text(of: code)
    self.init(
      code == EACCES || code == EPERM ? .permissionDenied : .unavailable, "'\(path)' can't be read: \(reason)"
    )
  }

  /// The system's text for an error number.
  static func text(of code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
