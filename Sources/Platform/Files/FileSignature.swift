package import ClusterModel
package import SystemPackage

/// What tells one state of a file from another without reading it: the file itself, its size and its times.
package struct FileSignature: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  /// Nanoseconds since 1970, as are the next ones.
  private let modified: Int64
  private let changed: Int64

  package init(_ status: Stat) {
    device = UInt64(truncatingIfNeeded: status.deviceID.rawValue)
    inode = UInt64(truncatingIfNeeded: status.inode.rawValue)
    size = status.size
    modified = Self.nanoseconds(Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec))
    changed = Self.nanoseconds(Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec))
  }

  /// The signature of what is at `path` now, links followed.
  package init(_ path: String) throws(FileError) {
    do throws(Errno) {
      self.init(try Stat(FilePath(path)))
    } catch {
      throw FileError(.read, path, error)
    }
  }

  /// The signature of the file that `descriptor` is open for; `path` is named in errors.
  package init(descriptor: Int32, _ path: String) throws(FileError) {
    do throws(Errno) {
      self.init(try Stat(FileDescriptor(rawValue: descriptor)))
    } catch {
      throw FileError(.read, path, error)
    }
  }

  private static func nanoseconds(_ seconds: Int64, _ rest: Int64) -> Int64 {
    seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ rest
  }

  /// Whether the file was changed so shortly before `now` that another change may look the same: file systems
  /// count time in steps of up to two seconds.
  package func isRecent(at now: Timestamp) -> Bool { now.milliseconds - changed / 1_000_000 < 2_000 }

  /// When the content was last written.
  package var modificationTime: Timestamp { Timestamp(milliseconds: modified / 1_000_000) }
}
