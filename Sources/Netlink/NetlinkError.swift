import Glibc
import Platform

/// Why the kernel didn't do what it was asked for by netlink.
package struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// An `errno`.
  package let code: Int32
  /// The kernel's own words; empty where it says nothing.
  package let explanation: String

  package init(code: Int32, explanation: String = "") {
    self.code = code
    self.explanation = explanation
  }

  /// An answer that can't be read.
  package static let malformed = NetlinkError(code: EBADMSG)

  package var description: String {
    explanation.isEmpty ? errnoText(code) : "\(errnoText(code)) (\(explanation))"
  }
}
