/// Where the daemon's socket is looked for.
public enum SocketPath {
  /// What the socket's file is called in its folder.
  public static let fileName = "rollcall.sock"

  /// The sockets of a running daemon, those first that are meant first: `$RUNTIME_DIRECTORY` (of which systemd may
  /// give several, the first counts), the system's, then the user's own.
  ///
  /// - Parameter variable: what an environment variable is set to; nil where it isn't.
  public static func candidates(_ variable: (String) -> String?) -> [String] {
    var folders: [String] = []
    if let runtime = variable("RUNTIME_DIRECTORY")?.split(separator: ":").first, runtime.hasPrefix("/") {
      folders.append(String(runtime))
    }
    folders.append("/run/rollcall")
    // A relative path in the variable counts as none: so says its specification.
    if let base = variable("XDG_RUNTIME_DIR"), base.hasPrefix("/") { folders.append("\(base)/rollcall") }
    var paths: [String] = []
    for path in folders.map({ "\($0)/\(fileName)" }) where !paths.contains(path) { paths.append(path) }
    return paths
  }
}
