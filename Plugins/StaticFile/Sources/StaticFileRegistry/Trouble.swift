import Glibc
import Platform
import RegistryKit

/// Until the reading of files is Platform's.
typealias Trouble = RegistryError

extension RegistryError {
  /// What the system said of `path`.
  init(path: String, errno code: Int32) {
    self.init(
      code == EACCES || code == EPERM ? .permissionDenied : .unavailable,
      "'\(path)' can't be read: \(errnoText(code))")
  }
}
