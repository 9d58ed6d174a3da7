import Foundation

/// Programs of others that tests let read what ours writes.
public enum Program {
  /// Why a test is left out.
  public static let hint = "needs a program that '.ci/setup tests' installs"

  /// Whether `name` is found in PATH.
  public static func isThere(_ name: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: name.hasPrefix("/") ? name : "\($0)/\(name)")
    }
  }
}
