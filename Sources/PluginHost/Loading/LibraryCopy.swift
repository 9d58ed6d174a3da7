import Platform

#if canImport(Glibc)
  import Glibc
#endif

/// A copy of a plugin's file that nobody else can change, which is what is loaded.
///
/// The system's loader maps a library's file. Whoever then writes over it, as `cp new.so old.so` does, changes
/// code that runs, and the process dies. The copy is in memory and sealed, or, where the system's rules forbid to
/// run code from there, in a file that has no name any more. It stays open for good: its number in `/proc` is
/// then never another library's.
struct LibraryCopy: Sendable {
  /// Where a copy may be.
  enum Place: Hashable, Sendable {
    /// In memory, sealed (`memfd_create`).
    case memory
    /// In a file below this folder, removed as soon as it is loaded.
    case folder(String)
  }

  /// Why there is no copy.
  struct Failure: Error {
    let reason: String
  }

  /// The open copy, for good.
  let descriptor: Int32
  /// How many bytes it has.
  let count: Int
  /// The path that the system's loader is to open.
  let path: String
  /// The folder that was made for it, where it has a name.
  private let folder: String?

  /// Memory first, then the folders that a service or a user has for such things, then those for temporary files.
  static func places(_ environment: [String: String]) -> [Place] {
    let variables = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "STATE_DIRECTORY", "TMPDIR"]
    // systemd puts several folders into one variable, with colons.
    let folders = variables.compactMap { environment[$0]?.split(separator: ":").first.map(String.init) }
    return [.memory] + (folders + ["/tmp"]).filter { $0.hasPrefix("/") }.map(Place.folder)
  }

  /// Copies the library that `original` is open for, and whose layout is `layout`, to `place`.
  ///
  /// - Parameter name: the file's name, which tools show that look into the process.
  init(of original: Int32, layout: LibraryLayout, name: String, in place: Place) throws(Failure) {
    count = Int(layout.size)
    switch place {
    case .memory:
      folder = nil
      descriptor = try Self.memory(name)
      path = "/proc/self/fd/\(descriptor)"
    case .folder(let parent):
      let made = try Self.makeFolder(in: parent)
      folder = made
      path = "\(made)/\(name)"
      descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o700)
    }
    do throws(Failure) {
      guard descriptor >= 0 else { throw Failure(reason: errnoText(errno)) }
      try fill(from: original, layout)
      if folder == nil { try seal() }
      try tryToRun()
    } catch {
      removeName()
      if descriptor >= 0 { close(descriptor) }
      throw error
    }
  }

  /// Takes the name away from a copy that has one, once it has been loaded or can't be.
  func removeName() {
    guard let folder else { return }
    unlink(path)
    rmdir(folder)
  }

  /// Closes a copy that wasn't loaded.
  func discard() {
    removeName()
    close(descriptor)
  }

  // MARK: Making it

  private static func memory(_ name: String) throws(Failure) -> Int32 {
    typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
    // Glibc declares it for GNU programs only.
    guard let symbol = dlsym(nil, "memfd_create") else { throw Failure(reason: "there is no memfd_create") }
    let create = unsafeBitCast(symbol, to: Create.self)
    // To be closed in children, to be sealed, and, where the system knows the flag, to be run.
    let (flags, executable): (UInt32, UInt32) = (0x1 | 0x2, 0x10)
    var descriptor = create(name, flags | executable)
    if descriptor < 0, errno == EINVAL { descriptor = create(name, flags) }
    guard descriptor >= 0 else { throw Failure(reason: "memfd_create: \(errnoText(errno))") }
    return descriptor
  }

  private static func makeFolder(in parent: String) throws(Failure) -> String {
    var status = stat()
    let user = geteuid()
    // In a folder in which others may rename what isn't theirs, a path leads anywhere.
    guard stat(parent, &status) == 0, status.st_uid == 0 || status.st_uid == user,
      status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0
    else { throw Failure(reason: "\(parent) can't be used, or others may rename files in it") }
    var template = Array("\(parent)/rollcall-plugin-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(reason: "\(parent): \(errnoText(errno))") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func fill(from original: Int32, _ layout: LibraryLayout) throws(Failure) {
    guard ftruncate(descriptor, off_t(layout.size)) == 0 else { throw Failure(reason: errnoText(errno)) }
    for part in layout.parts {
      guard lseek(descriptor, off_t(part.lowerBound), SEEK_SET) >= 0 else {
        throw Failure(reason: errnoText(errno))
      }
      var offset = off_t(part.lowerBound)
      while offset < off_t(part.upperBound) {
        let sent = sendfile(descriptor, original, &offset, Int(part.upperBound) - Int(offset))
        if sent < 0, errno == EINTR { continue }
        guard sent > 0 else {
          throw Failure(reason: sent == 0 ? "the file became shorter" : errnoText(errno))
        }
      }
    }
    for change in layout.changes {
      guard pwrite(descriptor, change.bytes, change.bytes.count, off_t(change.offset)) == change.bytes.count
      else { throw Failure(reason: errnoText(errno)) }
    }
  }

  /// From here on nobody can change the copy, not even this process.
  private func seal() throws(Failure) {
    let (addSeals, all): (Int32, Int32) = (1033, 0x1 | 0x2 | 0x4 | 0x8)
    guard fcntl(descriptor, addSeals, all) == 0 else {
      throw Failure(reason: "it can't be sealed: \(errnoText(errno))")
    }
  }

  /// Finds out whether code may be run from here, which the loader's error wouldn't tell.
  private func tryToRun() throws(Failure) {
    let page = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, 0)
    guard let page, page != MAP_FAILED else {
      throw Failure(reason: "code can't be run from there: \(errnoText(errno))")
    }
    munmap(page, 4096)
    guard access(path, R_OK) == 0 else { throw Failure(reason: "\(path): \(errnoText(errno))") }
  }
}
