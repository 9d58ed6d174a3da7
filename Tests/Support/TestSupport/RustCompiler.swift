import Foundation

/// The compiler of Rust, where there is one.
public enum RustCompiler {
  /// Why tests that need it are skipped.
  public static let absence = "there is no rustc in PATH or ~/.cargo/bin that runs"

  /// The path of `rustc`; nil where it isn't installed. What rustup puts there runs only with a toolchain beside it.
  public static let path: String? = {
    let environment = ProcessInfo.processInfo.environment
    var folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    if let home = environment["HOME"] { folders.append("\(home)/.cargo/bin") }
    return folders.map { "\($0)/rustc" }.first {
      FileManager.default.isExecutableFile(atPath: $0) && system("'\($0)' --version >/dev/null 2>&1") == 0
    }
  }()
}
