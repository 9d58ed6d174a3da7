import ClusterModel
import Glibc

/// What tells one state of a file from another without reading it.
struct FileSignature: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  private let modified: Int64
  private let changed: Int64

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
  }

  /// Whether the file was changed so shortly before `now` that another change may look the same: file
  /// systems count time in steps of up to two seconds.
  func isRecent(at now: Timestamp) -> Bool { now.milliseconds - changed / 1_000_000 < 2_000 }

  /// When the content was last written.
  var modificationTime: Timestamp { Timestamp(milliseconds: modified / 1_000_000) }
}

/// What a file held when it was read.
struct FileContent {
  let bytes: [UInt8]
  let signature: FileSignature

  /// Reads the file at `path`. May block for as long as the file system likes.
  ///
  /// - Returns: nil where the file is no longer there.
  static func read(_ path: String, shown: String, maximumBytes: Int) throws(FileTrouble) -> FileContent? {
    // Not to wait for the other end, should it be a pipe.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw FileTrouble(Trouble(path: shown, errno: errno))
    }
    defer { close(descriptor) }
    // A file that is written to right now is read again, until it holds still.
    for _ in 0..<3 {
      let before = try status(of: descriptor, shown: shown)
      guard before.st_mode & S_IFMT == S_IFREG else {
        throw FileTrouble(Trouble(.invalidArgument, "'\(shown)' isn't a regular file"))
      }
      guard before.st_size <= maximumBytes else {
        throw FileTrouble(
          Trouble(
            .limitExceeded,
            "'\(shown)' has \(before.st_size) bytes, more than the \(maximumBytes) that are read"))
      }
      let bytes = try bytes(of: descriptor, sizeHint: Int(before.st_size), maximumBytes, shown: shown)
      let signature = FileSignature(try status(of: descriptor, shown: shown))
      if signature == FileSignature(before), bytes.count == before.st_size {
        return FileContent(bytes: bytes, signature: signature)
      }
      lseek(descriptor, 0, SEEK_SET)
    }
    throw FileTrouble(Trouble(.unavailable, "'\(shown)' is being written to"), isPassing: true)
  }

  private static func status(of descriptor: Int32, shown: String) throws(FileTrouble) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileTrouble(Trouble(path: shown, errno: errno)) }
    return status
  }

  private static func bytes(
    of descriptor: Int32, sizeHint: Int, _ maximum: Int, shown: String
  ) throws(FileTrouble) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(sizeHint)
    var buffer = [UInt8](repeating: 0, count: min(max(sizeHint, 512) + 1, 1 << 20))
    while bytes.count <= maximum {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { break }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw FileTrouble(Trouble(path: shown, errno: errno))
      }
      bytes += buffer[..<count]
    }
    return bytes
  }
}

/// Why a file wasn't read.
struct FileTrouble: Error {
  let trouble: Trouble
  /// Whether it is likely to be over in a moment.
  let isPassing: Bool

  init(_ trouble: Trouble, isPassing: Bool = false) {
    self.trouble = trouble
    self.isPassing = isPassing
  }
}
