import ClusterModel
import NIOCore

/// `WatchResponse` (which as a first message has `ListResponse`'s form) in bytes, made once for all watchers.
///
/// Fields from 1000 on are our own, and other clients skip them.
enum WatchMessage {
  /// What a cluster without affiliates looks like.
  static let empty = ByteBuffer.message(count: 0)
  /// The tag of `reason`, a number in field 1000.
  private static let reasonTag: [UInt8] = [0xC0, 0x3E]

  /// One affiliate's new state.
  static func change(_ affiliate: StoredAffiliate, _ time: RenewalClock) -> EncodedMessage {
    let count = size(of: affiliate, time)
    var buffer = ByteBuffer.message(count: ProtobufSize.field(count))
    buffer.writeFieldHead(1, count: count)
    write(affiliate, time, to: &buffer)
    return buffer
  }

  /// One affiliate is gone: its id, why, and when it was last renewed.
  static func removal(
    _ affiliate: StoredAffiliate, _ reason: AffiliateRemoval, _ time: RenewalClock
  ) -> EncodedMessage {
    let count = ProtobufSize.field(affiliate.id.bytes.count)
    let renewed = time.renewal(of: affiliate)
    let own = reasonTag.count + 1 + RenewalTime.size(renewed)
    var buffer = ByteBuffer.message(count: ProtobufSize.field(count) + 2 + own)
    buffer.writeFieldHead(1, count: count)
    buffer.writeField(1, affiliate.id.bytes)
    buffer.writeVarintField(2, 1)
    buffer.writeBytes(reasonTag)
    buffer.writeInteger(reason.rawValue)
    RenewalTime.write(renewed, to: &buffer)
    return buffer
  }

  /// All affiliates of a cluster.
  static func state(_ affiliates: some Collection<StoredAffiliate>, _ time: RenewalClock) -> EncodedMessage {
    let total = affiliates.reduce(0) { $0 + ProtobufSize.field(size(of: $1, time)) }
    var buffer = ByteBuffer.message(count: total)
    for affiliate in affiliates {
      buffer.writeFieldHead(1, count: size(of: affiliate, time))
      write(affiliate, time, to: &buffer)
    }
    return buffer
  }

  private static func size(of affiliate: StoredAffiliate, _ time: RenewalClock) -> Int {
    var count = ProtobufSize.field(affiliate.id.bytes.count)
    if !affiliate.data.isEmpty { count += ProtobufSize.field(affiliate.data.count) }
    for endpoint in affiliate.endpoints { count += ProtobufSize.field(endpoint.bytes.count) }
    return count + RenewalTime.size(time.renewal(of: affiliate))
  }

  private static func write(
    _ affiliate: StoredAffiliate, _ time: RenewalClock, to buffer: inout ByteBuffer
  ) {
    buffer.writeField(1, affiliate.id.bytes)
    if !affiliate.data.isEmpty { buffer.writeField(2, affiliate.data) }
    for endpoint in affiliate.endpoints { buffer.writeField(3, endpoint.bytes) }
    RenewalTime.write(time.renewal(of: affiliate), to: &buffer)
  }
}

/// Why the service no longer has an affiliate, by its number in `WatchResponse`.
enum AffiliateRemoval: UInt8 {
  /// The node took it back.
  case withdrawn = 1
  /// Its time to live ended and nobody renewed it.
  case expired = 2
}
