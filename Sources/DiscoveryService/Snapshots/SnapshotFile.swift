import Logging
import NIOCore

/// The file that carries the state in memory over a restart.
struct SnapshotFile: Sendable {
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
  /// - Throws: ``FileProblem`` where the file is there and can't be read or moved.
  func restore(into store: MemoryStore, now: Int64) throws -> Restored {
    let bytes: [UInt8]
    do throws(FileProblem) {
      bytes = try Files.read(path)
    } catch {
      if error.isMissing { return .nothing }
      throw error
    }
    let clusters: [(cluster: OpaqueID, affiliates: [AffiliateSnapshot])]
    do {
      clusters = try StateSnapshot.decode(ByteBuffer(bytes: bytes), now: now)
    } catch {
      let aside = "\(path).damaged-\(now / 1_000_000_000)"
      try Files.move(path, to: aside)
      logger.error(
        "the snapshot file is damaged; it was set aside and the service starts without it",
        metadata: ["file": "\(path)", "moved_to": "\(aside)"])
      return .setAside(aside)
    }
    var count = 0
    for (cluster, affiliates) in clusters {
      for affiliate in affiliates where affiliate.timeToLive > 0 {
        store.restore(cluster: cluster, affiliate)
        count += 1
      }
    }
    logger.info("restored a snapshot", metadata: ["file": "\(path)", "affiliates": "\(count)"])
    return .affiliates(count)
  }

  /// Writes the store's state. A failure is told of and counted, and leaves the last file as it was.
  func write(_ store: MemoryStore) {
    do throws(FileProblem) {
      try Files.replace(path) { (append) throws(FileProblem) in
        // Shard by shard: locks are held for a part of the state at a time, and so much is in memory twice.
        for index in 0..<store.shardCount {
          var buffer = ByteBuffer()
          store.withClusters(ofShard: index) { clusters, now in
            for cluster in clusters.values where !cluster.affiliates.isEmpty {
              StateSnapshot.append(
                cluster: cluster.id, cluster.affiliates.values.map { AffiliateSnapshot($0, now: now) },
                to: &buffer)
            }
          }
          let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(FileProblem) in try append(bytes) }
          }
          try result.get()
        }
      }
      metrics.snapshotsWritten.add()
    } catch {
      metrics.snapshotFailures.add()
      logger.error("the snapshot could not be written", metadata: ["error": "\(error)"])
    }
  }
}
