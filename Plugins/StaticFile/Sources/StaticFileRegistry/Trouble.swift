import Glibc
import Platform
import RegistryKit

/// One thing that doesn't work, for a person.
struct Trouble: Hashable, Sendable {
  let code: RegistryError.Code
  let message: String

  init(_ code: RegistryError.Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// What the system said of `path`.
  init(path: String, errno code: Int32) {
    let reason = errnoText(code)
    self.init(
      code == EACCES || code == EPERM ? .permissionDenied : .unavailable, "'\(path)' can't be read: \(reason)"
    )
  }
}
