import Platform

#if canImport(Glibc)
  import Glibc
#endif

/// Whether only root and the user of this process may change a plugin.
///
/// Looked at are the file and the folder that it is really in, and the folder in which it was found, as
/// whoever may write there could lead a link elsewhere. Each must belong to root or to this user, and be
/// writable by nobody else: a shared folder such as /tmp is refused although its sticky bit keeps others from
/// removing files, since they may add some. Folders further up are the administrator's own care.
enum FilePermissions {
  /// Checks `file` as found, whose real path is `realPath`.
  static func check(file: String, realPath: String) throws(PluginError) {
    try check(realPath, "the file", in: file)
    let folders = Set([FilePaths.folder(of: file), FilePaths.folder(of: realPath)])
    for folder in folders.sorted() { try check(folder, "the folder \(folder)", in: file) }
  }

  private static func check(_ path: String, _ what: String, in file: String) throws(PluginError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw PluginError(.notFound, file: file, "\(what) can't be looked at: \(errnoText(errno))")
    }
    let user = geteuid()
    guard status.st_uid == 0 || status.st_uid == user else {
      throw PluginError(
        .unsafePermissions, file: file,
        "\(what) belongs to user \(status.st_uid); it should belong to root or to user \(user)\(hint)")
    }
    guard status.st_mode & 0o022 == 0 else {
      let mode = String(status.st_mode & 0o7777, radix: 8)
      throw PluginError(
        .unsafePermissions, file: file,
        "others may write to \(what) (mode \(mode)); take that away with chmod go-w\(hint)")
    }
  }

  private static let hint = ", or set plugins.allowUnsafePermissions: true"
}
