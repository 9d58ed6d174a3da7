import Glibc

/// Reads a whole file of a bounded size.
enum BoundedFile {
  struct Failure: Error {
    /// Without the path: "no such file", "it has more than 1024 bytes".
    let message: String
  }

  /// - Returns: the bytes and the permission bits.
  static func read(_ path: String, limit: Int) throws(Failure) -> (bytes: [UInt8], mode: mode_t) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(errno) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= limit {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { return (bytes, status.st_mode & 0o777) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(errno)
      }
      bytes += buffer[..<count]
    }
    throw Failure(message: "it has more than \(limit) bytes")
  }

  private static func failure(_ code: Int32) -> Failure {
    switch code {
    case ENOENT: Failure(message: "there is no such file")
    case EACCES: Failure(message: "it may not be read by this user")
    case EISDIR: Failure(message: "it is a folder")
    default: Failure(message: String(cString: strerror(code)))
    }
  }
}

/// The folder that `path` is in: "." where it names none.
func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// `path` as seen from where the process is, where it is meant as seen from `folder`.
func resolve(_ path: String, in folder: String) -> String {
  if path.hasPrefix("/") || folder == "." { return path }
  return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
}
