public import Logging

#if canImport(Glibc)
  import Glibc
#endif

/// Finds plugins by name and loads them when they are asked for.
///
/// A plugin called `rack` is looked for as `librollcall-rack.so`, `librack.so` and `rack.so` in each folder,
/// and if there is none, in every other library there that has the entry function. A folder that is
/// searched earlier wins; two files of one name in one folder are refused.
///
/// A file is opened once in the life of the process, whoever asks for it and however often. What runs is a
/// private copy of it: a file that is replaced or written over harms nobody, and is used after the next start.
///
/// May be used from any task. The work is done on a thread of its own, as the system's loader may block.
public final class PluginCatalog: Sendable {
  /// The folders that are searched, in order.
  public let directories: PluginDirectories
  private let allowUnsafePermissions: Bool
  private let loadTimeout: Duration
  private let logger: Logger
  private let files: LoadedFiles

  /// - Parameters:
  ///   - allowUnsafePermissions: load also what others may write to.
  ///   - loadTimeout: how long a search, with all that it loads, may take.
  ///   - logger: is given notices of files that aren't what their names say, and warnings of files that were
  ///     replaced while they are loaded.
  public convenience init(
    directories: PluginDirectories = .standard(), allowUnsafePermissions: Bool = false,
    loadTimeout: Duration = .seconds(10), logger: Logger
  ) {
    self.init(
      directories: directories, allowUnsafePermissions: allowUnsafePermissions, loadTimeout: loadTimeout,
      logger: logger, files: .shared)
  }

  init(
    directories: PluginDirectories, allowUnsafePermissions: Bool = false,
    loadTimeout: Duration = .seconds(10), logger: Logger, files: LoadedFiles
  ) {
    self.directories = directories
    self.allowUnsafePermissions = allowUnsafePermissions
    self.loadTimeout = loadTimeout
    self.logger = logger
    self.files = files
  }

  /// The plugin called `name`.
  public func plugin(named name: String) async throws(PluginError) -> LoadedPlugin {
    try await onThread("plugin '\(name)'") { () throws(PluginError) in try self.find(name) }
  }

  /// The plugin in the file at `path`.
  public func plugin(at path: String) async throws(PluginError) -> LoadedPlugin {
    try await onThread(path) { () throws(PluginError) in try self.load(path) }
  }

  /// Every plugin in the folders, loaded, and every file that looks like one and can't be, with the reason.
  public func all() async throws(PluginError) -> [PluginListing] {
    try await onThread("the plugins") { () throws(PluginError) in self.listAll() }
  }

  private func load(_ file: String) throws(PluginError) -> LoadedPlugin {
    try files.load(file, allowUnsafePermissions: allowUnsafePermissions, logger: logger)
  }

  private func onThread<Result: Sendable>(
    _ what: String, _ body: @escaping @Sendable () throws(PluginError) -> Result
  ) async throws(PluginError) -> Result {
    let thread: ControlThread
    do { thread = try ControlThread(name: "plugin-load") } catch {
      throw PluginError(.loadFailed, "\(what): \(error.message)", cause: error)
    }
    defer { thread.end() }
    let outcome = await thread.perform(within: loadTimeout, clock: ContinuousClock()) {
      () -> Swift.Result<Result, PluginError> in
      do throws(PluginError) { return .success(try body()) } catch { return .failure(error) }
    }
    guard let outcome else {
      throw PluginError(.deadlineExceeded, "\(what): loading took longer than \(loadTimeout)")
    }
    return try outcome.get()
  }
}

// MARK: By name

extension PluginCatalog {
  private func find(_ name: String) throws(PluginError) -> LoadedPlugin {
    for folder in directories.folders {
      let files = folder.candidates(for: name).filter { access($0, F_OK) == 0 }
      var found: [LoadedPlugin] = []
      for file in files {
        let plugin = try load(file)
        if plugin.descriptor.name == name {
          found.append(plugin)
        } else {
          logger.notice("\(file) is the plugin '\(plugin.descriptor.name)', not '\(name)' as its file says")
        }
      }
      if let plugin = try only(found, name) { return plugin }
    }
    return try findByContent(name)
  }

  /// Looks into the libraries whose names don't tell.
  private func findByContent(_ name: String) throws(PluginError) -> LoadedPlugin {
    var known: Set<String> = []
    var problems: [PluginError] = []
    for folder in directories.folders {
      var found: [LoadedPlugin] = []
      for file in folder.files() {
        do throws(PluginError) {
          let plugin = try load(file)
          known.insert(plugin.descriptor.name)
          if plugin.descriptor.name == name { found.append(plugin) }
        } catch {
          let isAnother = [.notFound, .notALibrary, .notAPlugin].contains(error.code)
          if !isAnother { problems.append(error) }
        }
      }
      if let plugin = try only(found, name) { return plugin }
    }
    throw notFound(name, known: known, problems)
  }

  private func only(_ found: [LoadedPlugin], _ name: String) throws(PluginError) -> LoadedPlugin? {
    let files = Set(found.map(\.file)).sorted()
    guard files.count <= 1 else {
      throw PluginError(
        .duplicate, file: files[0],
        "is called '\(name)', and so is \(files[1]) in the same folder; remove one of them")
    }
    return found.first
  }

  private func notFound(_ name: String, known: Set<String>, _ problems: [PluginError]) -> PluginError {
    let folders = directories.folders.map(\.path).joined(separator: ", ")
    var reason = "no plugin is called '\(name)': there is no librollcall-\(name).so in \(folders)"
    if !known.isEmpty { reason += "; there are \(known.sorted().joined(separator: ", "))" }
    for problem in problems { reason += "; not usable: \(problem)" }
    return PluginError(.notFound, reason)
  }
}

// MARK: All

/// A file that is a plugin or looks like one.
public struct PluginListing: Sendable {
  /// The file's path.
  public let file: String
  /// The plugin, or why it can't be used.
  public let result: Result<LoadedPlugin, PluginError>
}

extension PluginCatalog {
  private func listAll() -> [PluginListing] {
    var listings: [PluginListing] = []
    var firstFile: [String: String] = [:]
    for folder in directories.folders {
      var inFolder = folder.files().map { file in
        PluginListing(
          file: file,
          result: Result { () throws(PluginError) in try load(file) })
      }
      let names = Dictionary(grouping: inFolder.compactMap { try? $0.result.get() }, by: \.descriptor.name)
      inFolder = inFolder.map { listing in
        guard let plugin = try? listing.result.get() else { return listing }
        let name = plugin.descriptor.name
        if let twin = names[name]?.first(where: { $0.file != plugin.file }) {
          return refused(
            listing.file, .duplicate, "is called '\(name)', and so is \(twin.file); remove one of them")
        }
        if let earlier = firstFile[name], earlier != listing.file {
          return refused(
            listing.file, .shadowed, "is called '\(name)' as \(earlier) is, which is found first")
        }
        return listing
      }
      for name in names.keys where firstFile[name] == nil { firstFile[name] = names[name]?.first?.file }
      listings += inFolder
    }
    return listings
  }

  private func refused(_ file: String, _ code: PluginError.Code, _ reason: String) -> PluginListing {
    PluginListing(file: file, result: .failure(PluginError(code, file: file, reason)))
  }
}
