import NIOCore

@testable import DiscoveryService

/// What an encoded `ListResponse` or `WatchResponse` says.
struct DecodedResponse: Equatable {
  struct Affiliate: Equatable {
    var id = ""
    var data: [UInt8] = []
    var endpoints: [[UInt8]] = []
  }

  var affiliates: [Affiliate] = []
  var deleted = false
  /// Why they are gone; 0 where it isn't said.
  var reason: UInt64 = 0
  /// When each was last renewed, in milliseconds since 1970; of one that is gone too.
  var renewals: [String: Int64] = [:]

  /// Decodes a message that has gRPC's head.
  init(framed: ByteBuffer) throws {
    var bytes = framed
    guard let flag: UInt8 = bytes.readInteger(), let length: UInt32 = bytes.readInteger(), flag == 0,
      Int(length) == bytes.readableBytes
    else { throw GaveUp() }
    try self.init(bytes)
  }

  init(_ bytes: ByteBuffer) throws {
    try bytes.withUnsafeReadableBytes { raw in
      var reader = ProtobufReader(raw)
      var ofAll: Int64?
      while let (field, value) = try reader.next() {
        if field == 2, case .varint(let flag) = value { deleted = flag != 0 }
        if field == 1000, case .varint(let number) = value { reason = number }
        if field == 1001 { ofAll = try Self.milliseconds(value) }
        guard field == 1 else { continue }
        var affiliate = Affiliate()
        var inner = try value.message()
        while let (field, value) = try inner.next() {
          switch field {
          case 1: affiliate.id = try value.id().text
          case 2: affiliate.data = try value.copied()
          case 3: affiliate.endpoints.append(try value.copied())
          case 1001: renewals[affiliate.id] = try Self.milliseconds(value)
          default: break
          }
        }
        affiliates.append(affiliate)
      }
      if let ofAll, let one = affiliates.first { renewals[one.id] = ofAll }
    }
    affiliates.sort { $0.id < $1.id }
  }

  private static func milliseconds(_ value: ProtobufReader.Value) throws -> Int64 {
    // A Timestamp and a Duration have the same two fields.
    var time: (seconds: Int64, nanoseconds: Int64) = (0, 0)
    try value.merge(into: &time)
    return time.seconds * 1000 + time.nanoseconds / 1_000_000
  }

  var ids: [String] { affiliates.map(\.id) }
}

/// Requests in protobuf form.
enum Request {
  static func hello(_ cluster: String, version: String = "v1") -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeField(1, Array(cluster.utf8))
    buffer.writeField(2, Array(version.utf8))
    return buffer
  }

  static func cluster(_ cluster: String) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeField(1, Array(cluster.utf8))
    return buffer
  }

  static func delete(_ cluster: String, _ affiliate: String) -> ByteBuffer {
    var buffer = Self.cluster(cluster)
    buffer.writeField(2, Array(affiliate.utf8))
    return buffer
  }

  static func update(
    _ cluster: String, _ affiliate: String, data: [UInt8]? = nil, endpoints: [[UInt8]] = [],
    ttl seconds: Int64? = nil
  ) -> ByteBuffer {
    var buffer = delete(cluster, affiliate)
    if let data { buffer.writeField(3, data) }
    for endpoint in endpoints { buffer.writeField(4, endpoint) }
    if let seconds {
      var inner = ByteBuffer()
      inner.writeVarintField(1, UInt64(bitPattern: seconds))
      buffer.writeFieldHead(5, count: inner.readableBytes)
      buffer.writeBuffer(&inner)
    }
    return buffer
  }
}
