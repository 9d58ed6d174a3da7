import NIOCore

/// `WatchResponse` (which as a first message has `ListResponse`'s form) in bytes, made once for all watchers.
enum WatchMessage {
  /// What a cluster without affiliates looks like.
  static let empty = ByteBuffer.message(count: 0)

  /// One affiliate's new state; of a deleted one only the id is told.
  static func change(_ affiliate: StoredAffiliate, deleted: Bool) -> EncodedMessage {
    let count = deleted ? ProtobufSize.field(affiliate.id.bytes.count) : size(of: affiliate)
    var buffer = ByteBuffer.message(count: ProtobufSize.field(count) + (deleted ? 2 : 0))
    buffer.writeFieldHead(1, count: count)
    if deleted {
      buffer.writeField(1, affiliate.id.bytes)
      buffer.writeVarintField(2, 1)
    } else {
      write(affiliate, to: &buffer)
    }
    return buffer
  }

  /// All affiliates of a cluster.
  static func state(_ affiliates: some Collection<StoredAffiliate>) -> EncodedMessage {
    let total = affiliates.reduce(0) { $0 + ProtobufSize.field(size(of: $1)) }
    var buffer = ByteBuffer.message(count: total)
    for affiliate in affiliates {
      buffer.writeFieldHead(1, count: size(of: affiliate))
      write(affiliate, to: &buffer)
    }
    return buffer
  }

  private static func size(of affiliate: StoredAffiliate) -> Int {
    var count = ProtobufSize.field(affiliate.id.bytes.count)
    if !affiliate.data.isEmpty { count += ProtobufSize.field(affiliate.data.count) }
    for endpoint in affiliate.endpoints { count += ProtobufSize.field(endpoint.bytes.count) }
    return count
  }

  private static func write(_ affiliate: StoredAffiliate, to buffer: inout ByteBuffer) {
    buffer.writeField(1, affiliate.id.bytes)
    if !affiliate.data.isEmpty { buffer.writeField(2, affiliate.data) }
    for endpoint in affiliate.endpoints { buffer.writeField(3, endpoint.bytes) }
  }
}
