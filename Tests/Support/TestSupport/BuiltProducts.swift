public import Foundation

/// Where the build put the executables and plugins that belong to the running tests.
public enum BuiltProducts {
  /// The folder that has `rollcall`, the plugins and the test bundle.
  public static let folder: URL = {
    // The test bundle is an executable of that folder, or is loaded from it by one.
    let candidates = CommandLine.arguments + [ProcessInfo.processInfo.arguments.first ?? ""]
    for candidate in candidates where candidate.contains(".xctest") {
      return URL(fileURLWithPath: candidate).deletingLastPathComponent().resolvingSymlinksInPath()
    }
    return Bundle.main.bundleURL.resolvingSymlinksInPath()
  }()

  /// The executable `rollcall`.
  public static var rollcall: String { folder.appendingPathComponent("rollcall").path }

  /// The checkout's top folder.
  public static let checkout: URL = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
}
