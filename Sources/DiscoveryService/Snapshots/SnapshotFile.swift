import Logging
import NIOCore
import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The file that carries the state in memory over a restart.
struct SnapshotFile: Sendable {
  /// Bytes that it may have, all of which are in memory for a moment.
  private static let largest = 2 << 30

  let path: String
  let metrics: ServiceMetrics
  let logger: Logger

  /// What became of a file at the start.
  enum Restored: Equatable {
    case nothing
    case affiliates(Int)
    /// It could not be used and lies at this path now.
    case setAside(String)
  }

  /// Fills `store` from the file. A damaged one is set aside and told of: the service starts without it, and
  /// what is left of it isn't overwritten.
  ///
  /// - Parameter now: Civil time in nanoseconds since 1970.
  /// - Throws: `FileError` where there is something at the path that can't be read, isn't a regular file or can't be
  ///   moved.
  func restore(into store: MemoryStore, now: Int64) throws -> Restored {
    AtomicFile.removeLeftovers(of: path)
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try BoundedFile.read(path, limit: Self.largest).bytes
    } catch {
      if error.isMissing { return .nothing }
      throw error
    }
    let clusters: [(cluster: OpaqueID, affiliates: [AffiliateSnapshot])]
    do {
      clusters = try StateSnapshot.decode(ByteBuffer(bytes: bytes), now: now)
    } catch {
      let aside = "\(path).damaged-\(now / 1_000_000_000)"
      try AtomicFile.move(path, to: aside)
      logger.error(
        "the snapshot file is damaged; it was set aside and the service starts without it",
        metadata: ["file": "\(path)", "moved_to": "\(aside)"])
      return .setAside(aside)
    }
    var count = 0
    var left = 0
    for (cluster, affiliates) in clusters {
      for affiliate in affiliates where affiliate.timeToLive > 0 {
        do throws(ServiceError) {
          try store.restore(cluster: cluster, affiliate)
          count += 1
        } catch {
          left += 1
        }
      }
    }
    if left > 0 {
      logger.warning(
        "there was no room for all of the snapshot",
        metadata: ["file": "\(path)", "affiliates_left_out": "\(left)"])
    }
    logger.info("restored a snapshot", metadata: ["file": "\(path)", "affiliates": "\(count)"])
    return .affiliates(count)
  }

  /// Writes the store's state. A failure is told of and counted, and leaves the last file as it was.
  func write(_ store: MemoryStore) {
    do throws(FileError) {
      try checkKind()
      var writer = SnapshotWriter()
      try AtomicFile.replace(path) { (append) throws(FileError) in
        // Shard by shard: locks are held for a part of the state at a time, and so much is in memory twice.
        for index in 0..<store.shardCount {
          store.withClusters(ofShard: index) { clusters, now, clock in
            for cluster in clusters.values where !cluster.affiliates.isEmpty {
              writer.add(
                cluster: cluster.id,
                cluster.affiliates.values.map { AffiliateSnapshot($0, now: now, clock) })
            }
          }
          try Self.append(writer.take(), append)
        }
        try Self.append(writer.finish(), append)
      }
      metrics.snapshotsWritten.add()
    } catch {
      metrics.snapshotFailures.add()
      logger.error("the snapshot could not be written", metadata: ["error": "\(error)"])
    }
  }

  /// Refuses to put a file in place of a device or a pipe, as somebody who may do anything could.
  private func checkKind() throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(.written, path, .notAFile(kind: "something else"))
    }
  }

  private static func append(_ bytes: ByteBuffer, _ append: AtomicFile.Append) throws(FileError) {
    let result = bytes.withUnsafeReadableBytes { bytes in
      Result { () throws(FileError) in try append(bytes) }
    }
    try result.get()
  }
}
