import CRegistryPlugin
import FoundationEssentials
import Logging
import Platform
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The plugin files that this process has loaded: each once, and for good.
///
/// A file is opened once. What is then loaded is a private copy of what was checked, so that nobody who writes
/// to the file harms what runs. A file that was replaced or written over since it was loaded isn't loaded again:
/// two versions of one library in a process share what is unique by its name, such as the layouts of imported C
/// structs in Swift and the static members of templates in C++, and the later one would work with the layouts of
/// the earlier. What was loaded goes on, a warning says so, and the next start takes what is there then.
final class LoadedFiles: Sendable {
  /// The files of this process. (Tests make some of their own.)
  static let shared = LoadedFiles(places: LibraryCopy.places(ProcessInfo.processInfo.environment))

  /// What became of one content of one file. Its lock is held while the file is loaded, so that who else asks
  /// for it waits, and nobody else does.
  private final class Content: Sendable {
    let outcome = Mutex<Result<LoadedPlugin, PluginError>?>(nil)
  }

  /// What a path stands for since it was first loaded.
  private struct Known {
    let plugin: LoadedPlugin
    let signature: FileSignature
    /// The replacement that was last warned of.
    var warned: FileSignature?
  }

  private struct State {
    var contents: [FileSignature: Content] = [:]
    var known: [String: Known] = [:]
  }

  private let places: [LibraryCopy.Place]
  private let state = Mutex(State())

  /// RTLD_NODELETE: the image stays. A second Swift image in its place would end the process.
  private static let keepForever: Int32 = 0x1000

  /// - Parameter places: where a copy may be, the best place first.
  init(places: [LibraryCopy.Place]) { self.places = places }

  /// The plugin in `file`, loaded where it isn't yet. Blocks while the system's loader works.
  ///
  /// - Throws: `notAPlugin` or `notALibrary` where nothing of it was run, as it is something else.
  func load(_ file: String, allowUnsafePermissions: Bool, logger: Logger) throws(PluginError) -> LoadedPlugin
  {
    let realPath = try Self.realPath(of: file)
    let signature = try Self.looked(file) { () throws(FileError) in try FileSignature(realPath) }
    let paths = [Self.entry(file), realPath]
    if let known = known(paths, now: signature, logger) {
      if known.signature == signature, !allowUnsafePermissions {
        try FilePermissions.check(file: file, realPath: realPath)
      }
      return known.plugin
    }
    let content = state.withLock { state in
      let content = state.contents[signature] ?? Content()
      state.contents[signature] = content
      return content
    }
    // Not under the lock of all: a library's constructors may take long.
    let result = content.outcome.withLock { outcome -> Result<LoadedPlugin, PluginError> in
      let result: Result<LoadedPlugin, PluginError>
      if let known = outcome {
        result = known
      } else {
        result = Result { () throws(PluginError) in
          try open(file, realPath, signature, allowUnsafePermissions: allowUnsafePermissions, logger)
        }
        if Self.isForGood(result) { outcome = result }
      }
      return result
    }
    let plugin: LoadedPlugin
    do throws(PluginError) { plugin = try result.get() } catch {
      throw PluginError(error.code, file: file, error.reason)
    }
    if !allowUnsafePermissions { try FilePermissions.check(file: file, realPath: realPath) }
    state.withLock { state in
      for path in paths where state.known[path] == nil {
        state.known[path] = Known(plugin: plugin, signature: signature)
      }
    }
    return plugin
  }

  /// What one of `paths` stands for. Warns once where another file is there by now.
  private func known(_ paths: [String], now signature: FileSignature, _ logger: Logger) -> Known? {
    let (known, isNews) = state.withLock { state -> (Known?, Bool) in
      guard let path = paths.first(where: { state.known[$0] != nil }), var known = state.known[path] else {
        return (nil, false)
      }
      let isNews = known.signature != signature && known.warned != signature
      if isNews {
        known.warned = signature
        state.known[path] = known
      }
      return (known, isNews)
    }
    if let known, isNews {
      logger.warning(
        """
        \(paths[0]) was changed after plugin '\(known.plugin.descriptor.name)' \
        \(known.plugin.descriptor.version) had been loaded from it, which goes on; restart to use what is there now
        """)
    }
    return known
  }

  /// Whether the same bytes have the same outcome, whenever they are looked at: the loader's may change with
  /// other libraries.
  private static func isForGood(_ result: Result<LoadedPlugin, PluginError>) -> Bool {
    switch result {
    case .success: true
    case .failure(let error):
      [.notALibrary, .notAPlugin, .wrongVersion, .malformed].contains(error.code)
    }
  }

  // MARK: Loading

  /// Opens the file, checks it, copies it and loads the copy.
  private func open(
    _ file: String, _ realPath: String, _ signature: FileSignature, allowUnsafePermissions: Bool,
    _ logger: Logger
  ) throws(PluginError) -> LoadedPlugin {
    let descriptor = Glibc.open(realPath, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw PluginError(.notFound, file: file, "can't be opened: \(errnoText(errno))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw PluginError(.notALibrary, file: file, "isn't a regular file; a plugin is a shared library (.so)")
    }
    try Self.unchanged(descriptor, since: signature, file)
    let bytes = FileBytes(descriptor: descriptor, count: Int(status.st_size))
    let check = try Self.check(bytes, file)
    if !allowUnsafePermissions { try FilePermissions.check(file: file, realPath: realPath) }
    guard let copy = try copy(descriptor, check, bytes, file, realPath, logger) else {
      return try load(realPath, nil, file)
    }
    do throws(PluginError) {
      // Whoever wrote while it was copied has left a mixture, which the signature tells.
      try Self.unchanged(descriptor, since: signature, file)
      _ = try Self.check(FileBytes(descriptor: copy.descriptor, count: copy.count), file)
    } catch {
      copy.discard()
      throw error
    }
    return try load(copy.path, copy, file)
  }

  /// A copy in the best place that there is; nil, with a warning, where there is none.
  private func copy(
    _ descriptor: Int32, _ check: ELFCheck, _ bytes: FileBytes, _ file: String, _ realPath: String,
    _ logger: Logger
  ) throws(PluginError) -> LibraryCopy? {
    var reasons: [String] = []
    do throws(LibraryLayout.Failure) {
      let layout = try LibraryLayout(
        of: check, count: bytes.count, folder: FilePaths.folder(of: realPath))
      for place in places {
        do throws(LibraryCopy.Failure) {
          return try LibraryCopy(of: descriptor, layout: layout, name: Self.name(of: realPath), in: place)
        } catch {
          reasons.append(error.reason)
        }
      }
    } catch {
      switch error {
      case .malformed:
        throw PluginError(
          .notALibrary, file: file, "its ELF program headers are malformed; build it again")
      case .folderName:
        reasons.append("its search path has $ORIGIN, and its folder's name has ':' or '$'")
      }
    }
    logger.warning(
      """
      \(file) is used where it lies, as there can be no private copy of it (\(reasons.joined(separator: "; "))): \
      replace it by renaming, as install and mv do, and never write over it, which would end this process
      """)
    return nil
  }

  private func load(_ path: String, _ copy: LibraryCopy?, _ file: String) throws(PluginError) -> LoadedPlugin
  {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | Self.keepForever) else {
      copy?.discard()
      let message = dlerror().map { String(cString: $0) } ?? "the system's loader doesn't say why"
      throw PluginError(
        .loadFailed, file: file, "can't be loaded: \(message.replacing(path, with: Self.name(of: file)))")
    }
    if let copy {
      copy.removeName()
      Self.setName(of: handle, to: file)
    }
    guard let symbol = dlsym(handle, REGISTRY_PLUGIN_ENTRY) else { throw Self.noEntry(file) }
    typealias Entry = @convention(c) () -> UnsafePointer<registry_plugin_v1>?
    return try LoadedPlugin(checking: unsafeBitCast(symbol, to: Entry.self)(), file: file, copy: copy)
  }

  /// Gives the loaded image the name of the file that it came from, which debuggers, backtraces and `dladdr`
  /// show: they can't open the copy's path, or open something else by it in their own process.
  private static func setName(of handle: UnsafeMutableRawPointer, to file: String) {
    typealias Information = @convention(c) (UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer) -> Int32
    // Glibc declares it for GNU programs only. 2: RTLD_DI_LINKMAP, the loader's public record of the image,
    // whose second field is the name.
    guard let symbol = dlsym(nil, "dlinfo"), let path = realpath(file, nil) else { return }
    var record: UnsafeMutableRawPointer?
    guard unsafeBitCast(symbol, to: Information.self)(handle, 2, &record) == 0, let record else {
      free(path)
      return
    }
    // Never freed, as the image stays.
    record.storeBytes(of: path, toByteOffset: 8, as: UnsafeMutablePointer<CChar>.self)
  }

  // MARK: Looking at it

  private static func check(_ bytes: FileBytes, _ file: String) throws(PluginError) -> ELFCheck {
    let check: ELFCheck
    do throws(ELFCheck.Problem) { check = try ELFCheck(bytes) } catch {
      throw PluginError(error.code, file: file, error.reason)
    }
    guard check.exports(REGISTRY_PLUGIN_ENTRY) else { throw noEntry(file) }
    return check
  }

  private static func noEntry(_ file: String) -> PluginError {
    PluginError(
      .notAPlugin, file: file,
      "doesn't export \(REGISTRY_PLUGIN_ENTRY), so it isn't a registry plugin of version 1; see registry_plugin.h"
    )
  }

  private static func unchanged(
    _ descriptor: Int32, since signature: FileSignature, _ file: String
  ) throws(PluginError) {
    guard
      try looked(file, { () throws(FileError) in try FileSignature(descriptor: descriptor, file) })
        == signature
    else { throw PluginError(.loadFailed, file: file, "is being written; try again when that is done") }
  }

  private static func looked(
    _ file: String, _ body: () throws(FileError) -> FileSignature
  ) throws(PluginError) -> FileSignature {
    do throws(FileError) { return try body() } catch {
      throw PluginError(.notFound, file: file, "can't be looked at: \(error.explanation)", cause: error)
    }
  }

  private static func realPath(of file: String) throws(PluginError) -> String {
    guard let path = realpath(file, nil) else {
      let reason = errno == ENOENT ? "no such file" : errnoText(errno)
      throw PluginError(.notFound, file: file, "\(reason); a plugin is a shared library (.so)")
    }
    defer { free(path) }
    return String(cString: path)
  }

  /// The path of the entry `file` in its folder's real path: a link there may be led elsewhere later.
  private static func entry(_ file: String) -> String {
    guard let path = realpath(FilePaths.folder(of: file), nil) else { return file }
    defer { free(path) }
    return String(cString: path) + "/" + name(of: file)
  }

  private static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
