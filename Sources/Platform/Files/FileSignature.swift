package import ClusterModel
package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What tells one state of a file from another without reading it: the file itself, its size and its times.
package struct FileSignature: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  /// Nanoseconds since 1970, as are the next ones.
  private let modified: Int64
  private let changed: Int64

  /// The signature of what `stat` or `lstat` told of.
  package init(_ status: CInterop.Stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
    size = Int64(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
  }

  /// The signature of what is at `path` now, links followed.
  package init(_ path: String) throws(FileError) {
    do throws(Errno) {
      self.init(try Stat(FilePath(path)).rawValue)
    } catch {
      throw FileError(.read, path, error)
    }
  }

  /// The signature of the file that `descriptor` is open for; `path` is named in errors.
  package init(descriptor: Int32, _ path: String) throws(FileError) {
    do throws(Errno) {
      self.init(try Stat(FileDescriptor(rawValue: descriptor)).rawValue)
    } catch {
      throw FileError(.read, path, error)
    }
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
  }

  /// Whether the file was changed so shortly before `now` that another change may look the same: file systems
  /// count time in steps of up to two seconds.
  package func isRecent(at now: Timestamp) -> Bool { isRecent(at: now, within: .seconds(2)) }

  /// Whether the file was changed less than `duration` before `now`.
  package func isRecent(at now: Timestamp, within duration: Duration) -> Bool {
    Duration.milliseconds(now.milliseconds - changed / 1_000_000) < duration
  }

  /// When the content was last written.
  package var modificationTime: Timestamp { Timestamp(milliseconds: modified / 1_000_000) }
}
