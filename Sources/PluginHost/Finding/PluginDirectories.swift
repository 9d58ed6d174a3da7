import FoundationEssentials
import Platform

/// The folders in which plugins are looked for, first to last.
public struct PluginDirectories: Hashable, Sendable {
  /// One folder.
  public struct Folder: Hashable, Sendable {
    /// Its path.
    public let path: String
    /// Whether only files called `librollcall-*.so` count: in a program's own folder lie other libraries too.
    public let onlyOwnNames: Bool

    /// The folder at `path`.
    public init(_ path: String, onlyOwnNames: Bool = false) {
      self.path = path
      self.onlyOwnNames = onlyOwnNames
    }
  }

  /// The folders, each once.
  public let folders: [Folder]

  /// These folders; one that is in it twice counts where it is first.
  public init(folders: [Folder]) {
    var seen: Set<String> = []
    self.folders = folders.filter { seen.insert($0.path).inserted }
  }

  /// The variable with folders to search first, separated by colons.
  public static let environmentVariable = "ROLLCALL_PLUGIN_PATH"

  /// The folders of the environment, then those `configured`, then the folder of the program and
  /// `../lib/rollcall` beside it.
  ///
  /// - Parameters:
  ///   - environment: the variables to look at; nil: this process's.
  ///   - executable: the program's path; nil: this process's.
  public static func standard(
    configured: [String] = [], environment: [String: String]? = nil, executable: String? = nil
  ) -> PluginDirectories {
    let environment = environment ?? ProcessInfo.processInfo.environment
    let executable =
      executable ?? (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let first = (environment[environmentVariable] ?? "").split(separator: ":").map { Folder(String($0)) }
    var own: [Folder] = []
    if let executable {
      let folder = FilePaths.folder(of: executable)
      own = [
        Folder(folder, onlyOwnNames: true),
        Folder(FilePaths.folder(of: folder) + "/lib/rollcall"),
      ]
    }
    return PluginDirectories(folders: first + configured.map { Folder($0) } + own)
  }
}

extension PluginDirectories.Folder {
  /// The paths at which a plugin called `name` is looked for first.
  func candidates(for name: String) -> [String] {
    let names =
      onlyOwnNames ? ["librollcall-\(name).so"] : ["librollcall-\(name).so", "lib\(name).so", "\(name).so"]
    return names.map { "\(path)/\($0)" }
  }

  /// The paths of all files that may be plugins by their names, in order.
  func files() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasSuffix(".so") && (!onlyOwnNames || $0.hasPrefix("librollcall-")) }
      .sorted().map { "\(path)/\($0)" }
  }
}
