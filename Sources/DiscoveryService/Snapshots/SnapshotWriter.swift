import NIOCore

/// Makes a snapshot file's bytes of clusters, with the checksum inside of the first and the last one.
///
/// One cluster is kept back, as it may be the last.
struct SnapshotWriter {
  private var last: ByteBuffer?
  private var isEmpty = true
  private var sum = SnapshotChecksum()
  private var bytes = ByteBuffer()

  /// Adds a cluster.
  mutating func add(cluster id: OpaqueID, _ affiliates: [AffiliateSnapshot]) {
    if var body = last {
      bytes.writeFieldHead(1, count: body.readableBytes)
      bytes.writeBuffer(&body)
    }
    var body = ByteBuffer()
    if isEmpty { body.writeBytes(SnapshotChecksum.mark) }
    isEmpty = false
    StateSnapshot.write(cluster: id, affiliates, to: &body)
    last = body
  }

  /// Takes out what has come together of the file.
  mutating func take() -> ByteBuffer {
    bytes.withUnsafeReadableBytes { sum.update($0) }
    defer { bytes = ByteBuffer() }
    return bytes
  }

  /// Takes out the end of the file. One without a cluster is empty.
  mutating func finish() -> ByteBuffer {
    guard var body = last else { return take() }
    last = nil
    bytes.writeFieldHead(1, count: body.readableBytes + SnapshotChecksum.head.count + SnapshotChecksum.size)
    bytes.writeBuffer(&body)
    var end = take()
    end.writeBytes(SnapshotChecksum.head)
    end.writeBytes(sum.bytes)
    return end
  }
}
