import CRegistryPlugin
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Loads plugin files into the process: each once, and for good.
enum PluginImage {
  /// A file, whatever it is called. The number can't be given to another file while the first is loaded.
  private struct FileNumber: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  private static let loaded = Mutex<[FileNumber: LoadedPlugin]>([:])

  /// RTLD_NODELETE: the image stays. A second Swift image in its place would end the process.
  private static let keepForever: Int32 = 0x1000

  /// The plugin in `file`, loaded where it isn't yet. Blocks while the system's loader works.
  static func load(_ file: String, allowUnsafePermissions: Bool) throws(PluginError) -> LoadedPlugin {
    let realPath = try realPath(of: file)
    if !allowUnsafePermissions { try FilePermissions.check(file: file, realPath: realPath) }
    let number = try inspect(file, realPath: realPath)
    if let known = loaded.withLock({ $0[number] }) { return known }
    // Not under the lock: a library's constructors may take long. To load a file twice is to load it once.
    guard let handle = dlopen(realPath, RTLD_NOW | RTLD_LOCAL | keepForever) else {
      throw PluginError(.loadFailed, file: file, "can't be loaded: \(loaderMessage())")
    }
    guard let symbol = dlsym(handle, REGISTRY_PLUGIN_ENTRY) else { throw noEntry(file) }
    typealias Entry = @convention(c) () -> UnsafePointer<registry_plugin_v1>?
    let plugin = try LoadedPlugin(checking: unsafeBitCast(symbol, to: Entry.self)(), file: file)
    loaded.withLock { $0[number] = plugin }
    return plugin
  }

  /// Whether `file` is a whole library that has the entry function; nothing of it is run.
  static func isPlugin(_ file: String) -> Bool {
    guard let realPath = try? realPath(of: file) else { return false }
    return (try? inspect(file, realPath: realPath)) != nil
  }

  private static func realPath(of file: String) throws(PluginError) -> String {
    guard let path = realpath(file, nil) else {
      let reason = errno == ENOENT ? "no such file" : systemMessage(errno)
      throw PluginError(.notFound, file: file, "\(reason); a plugin is a shared library (.so)")
    }
    defer { free(path) }
    return String(cString: path)
  }

  private static func inspect(_ file: String, realPath: String) throws(PluginError) -> FileNumber {
    let descriptor = open(realPath, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw PluginError(.notFound, file: file, "can't be opened: \(systemMessage(errno))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw PluginError(.notALibrary, file: file, "isn't a regular file; a plugin is a shared library (.so)")
    }
    do throws(ELFCheck.Problem) {
      let check = try ELFCheck(FileBytes(descriptor: descriptor, count: Int(status.st_size)))
      guard check.exports(REGISTRY_PLUGIN_ENTRY) else {
        throw ELFCheck.Problem(code: .notAPlugin, reason: "")
      }
    } catch {
      if error.code == .notAPlugin { throw noEntry(file) }
      throw PluginError(error.code, file: file, error.reason)
    }
    return FileNumber(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  private static func noEntry(_ file: String) -> PluginError {
    PluginError(
      .notAPlugin, file: file,
      "doesn't export \(REGISTRY_PLUGIN_ENTRY), so it isn't a registry plugin of version 1; see registry_plugin.h"
    )
  }

  private static func loaderMessage() -> String {
    dlerror().map { String(cString: $0) } ?? "the system's loader doesn't say why"
  }
}
