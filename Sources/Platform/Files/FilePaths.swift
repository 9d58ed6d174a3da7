package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Paths as people write them, and folders.
package enum FilePaths {
  /// `path` as seen from where the process is, where it is meant as seen from the folder `base`.
  ///
  /// An absolute path is itself, and so is any where `base` is empty or ".".
  package static func resolve(_ path: String, base: String) -> String {
    if path.utf8.first == UInt8(ascii: "/") || base.isEmpty || base == "." { return path }
    return base.utf8.last == UInt8(ascii: "/") ? base + path : "\(base)/\(path)"
  }

  /// The folder that `path` is in: "." where it names none, "/" of what is at the top.
  package static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Whether there is a file, folder or anything else at `path`, links followed.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes the folder `path` and those on the way to it, each with `mode`, where they don't exist.
  package static func makeFolder(_ path: String, mode: FilePermissions = .ownerReadWriteExecute)
    throws(FileError)
  {
    guard !path.isEmpty, mkdir(path, mode.rawValue) != 0 else { return }
    var code = errno
    let parent = folder(of: path)
    if code == ENOENT, parent != path, parent != "." {
      try makeFolder(parent, mode: mode)
      guard mkdir(path, mode.rawValue) != 0 else { return }
      code = errno
    }
    if code == EEXIST {
      // Somebody else made it; a file of that name isn't it.
      if (try? Stat(FilePath(path)))?.type == .directory { return }
      code = ENOTDIR
    }
    throw FileError(.made, path, .system(code))
  }
}
