import ClusterModel
import NIOCore

/// One affiliate as a snapshot file keeps it. Times to live are what is left, not moments: a clock that is wrong
/// after a restart then drops nothing.
struct AffiliateSnapshot: Equatable, Sendable {
  struct Endpoint: Equatable, Sendable {
    var data: [UInt8]
    /// Nanoseconds left.
    var timeToLive: Int64
  }

  var id: OpaqueID
  var data: [UInt8] = []
  var endpoints: [Endpoint] = []
  /// Nanoseconds left.
  var timeToLive: Int64
  /// When its node last published or renewed it; nil where the file doesn't say.
  var renewedAt: Timestamp?

  init(id: OpaqueID, timeToLive: Int64) {
    self.id = id
    self.timeToLive = timeToLive
  }

  init(_ affiliate: StoredAffiliate, now: Int64, _ clock: RenewalClock) {
    self.init(id: affiliate.id, timeToLive: max(0, affiliate.expires - now))
    data = affiliate.data
    endpoints = affiliate.endpoints.map { Endpoint(data: $0.bytes, timeToLive: max(0, $0.expires - now)) }
    renewedAt = clock.renewal(of: affiliate)
  }

  /// The affiliate as the store keeps it, within `limits`: the file may come from a service that has others.
  func stored(now: Int64, _ clock: RenewalClock, limits: StoreLimits) -> StoredAffiliate {
    let longest = limits.timeToLive.nanoseconds
    let affiliate = StoredAffiliate(
      id: id, data: data, expires: now + min(max(timeToLive, 0), longest),
      renewedAt: renewedAt.map { clock.moment(of: $0, now: now) }, now: now)
    for endpoint in endpoints.prefix(limits.endpoints)
    where affiliate.indexOfEndpoint(endpoint.data) == nil && !endpoint.data.isEmpty {
      affiliate.endpoints.append(
        StoredAffiliate.Endpoint(
          bytes: endpoint.data, expires: now + min(max(endpoint.timeToLive, 0), longest)))
    }
    return affiliate
  }
}

/// `StateSnapshot`, the file format that the existing service reads and writes.
///
/// Written cluster by cluster straight into bytes: no second copy of the state is made on the way.
enum StateSnapshot {
  /// Appends one cluster to a file's bytes; a file is nothing but such clusters after another.
  static func append(cluster id: OpaqueID, _ affiliates: [AffiliateSnapshot], to buffer: inout ByteBuffer) {
    var body = ByteBuffer()
    write(cluster: id, affiliates, to: &body)
    buffer.writeFieldHead(1, count: body.readableBytes)
    buffer.writeBuffer(&body)
  }

  /// Writes one cluster without what stands before it in a file.
  static func write(cluster id: OpaqueID, _ affiliates: [AffiliateSnapshot], to body: inout ByteBuffer) {
    body.writeField(1, id.bytes)
    for affiliate in affiliates {
      let encoded = encode(affiliate)
      body.writeFieldHead(2, count: encoded.readableBytes)
      body.writeImmutableBuffer(encoded)
    }
  }

  private static func encode(_ affiliate: AffiliateSnapshot) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeField(1, affiliate.id.bytes)
    if !affiliate.data.isEmpty { buffer.writeField(3, affiliate.data) }
    for endpoint in affiliate.endpoints {
      var inner = ByteBuffer()
      inner.writeField(2, endpoint.data)
      writeDuration(3, endpoint.timeToLive, to: &inner)
      buffer.writeFieldHead(4, count: inner.readableBytes)
      buffer.writeBuffer(&inner)
    }
    writeDuration(5, affiliate.timeToLive, to: &buffer)
    RenewalTime.write(affiliate.renewedAt, to: &buffer)
    return buffer
  }

  private static func writeDuration(_ field: UInt8, _ nanoseconds: Int64, to buffer: inout ByteBuffer) {
    let seconds = UInt64(nanoseconds / 1_000_000_000)
    let rest = UInt64(nanoseconds % 1_000_000_000)
    let count =
      (seconds > 0 ? ProtobufSize.varintField(seconds) : 0) + (rest > 0 ? ProtobufSize.varintField(rest) : 0)
    buffer.writeFieldHead(field, count: count)
    if seconds > 0 { buffer.writeVarintField(1, seconds) }
    if rest > 0 { buffer.writeVarintField(2, rest) }
  }

  /// Reads a file's bytes whole before anything of it is used: a damaged file restores nothing.
  ///
  /// - Parameter now: Civil time in nanoseconds since 1970, for files with moments of expiry (deprecated).
  static func decode(
    _ bytes: ByteBuffer, now: Int64
  ) throws -> [(cluster: OpaqueID, affiliates: [AffiliateSnapshot])] {
    guard let content = SnapshotChecksum.content(bytes) else { throw ProtobufReader.Malformed() }
    return try content.withUnsafeReadableBytes { raw throws(ProtobufReader.Malformed) in
      var clusters: [(cluster: OpaqueID, affiliates: [AffiliateSnapshot])] = []
      var reader = ProtobufReader(raw)
      while let (field, value) = try reader.next() {
        // One of our own files whose first byte was damaged.
        guard !SnapshotChecksum.fields.contains(field) else { throw ProtobufReader.Malformed() }
        guard field == 1 else { continue }
        var id = OpaqueID([])
        var affiliates: [AffiliateSnapshot] = []
        var inner = try value.message()
        while let (field, value) = try inner.next() {
          if field == 1 { id = try value.id() }
          if field == 2 { affiliates.append(try affiliate(try value.message(), now: now)) }
        }
        guard !id.bytes.isEmpty else { throw ProtobufReader.Malformed() }
        clusters.append((id, affiliates))
      }
      return clusters
    }
  }

  private static func affiliate(
    _ reader: ProtobufReader, now: Int64
  ) throws(ProtobufReader.Malformed) -> AffiliateSnapshot {
    var reader = reader
    var affiliate = AffiliateSnapshot(id: OpaqueID([]), timeToLive: 0)
    var times = Times()
    while let (field, value) = try reader.next() {
      switch field {
      case 1: affiliate.id = try value.id()
      case 2: try value.merge(into: &times.expiration)
      case 3: affiliate.data = try value.copied()
      case 4: affiliate.endpoints.append(try endpoint(try value.message(), now: now))
      case 5:
        times.hasTTL = true
        try value.merge(into: &times.ttl)
      case RenewalTime.field:
        // Older versions had no such field: of another kind it is somebody else's.
        if case .bytes = value { try value.merge(into: &times.renewal) }
      default: break
      }
    }
    affiliate.renewedAt = times.renewedAt
    guard !affiliate.id.bytes.isEmpty else { throw ProtobufReader.Malformed() }
    affiliate.timeToLive = times.left(now)
    return affiliate
  }

  private static func endpoint(
    _ reader: ProtobufReader, now: Int64
  ) throws(ProtobufReader.Malformed) -> AffiliateSnapshot.Endpoint {
    var reader = reader
    var endpoint = AffiliateSnapshot.Endpoint(data: [], timeToLive: 0)
    var times = Times()
    while let (field, value) = try reader.next() {
      switch field {
      case 1: try value.merge(into: &times.expiration)
      case 2: endpoint.data = try value.copied()
      case 3:
        times.hasTTL = true
        try value.merge(into: &times.ttl)
      default: break
      }
    }
    endpoint.timeToLive = times.left(now)
    return endpoint
  }

  /// The two ways in which a file may tell how long something is good for.
  private struct Times {
    var expiration: (seconds: Int64, nanoseconds: Int64) = (0, 0)
    var ttl: (seconds: Int64, nanoseconds: Int64) = (0, 0)
    var hasTTL = false
    var renewal: (seconds: Int64, nanoseconds: Int64) = (0, 0)

    /// When it was renewed, if that is a time from 1970 to the end of 9999.
    var renewedAt: Timestamp? {
      guard (0..<253_402_300_800).contains(renewal.seconds),
        (0..<1_000_000_000).contains(renewal.nanoseconds)
      else { return nil }
      let milliseconds = renewal.seconds * 1000 + renewal.nanoseconds / 1_000_000
      return milliseconds > 0 ? Timestamp(milliseconds: milliseconds) : nil
    }

    func left(_ now: Int64) -> Int64 {
      // A Timestamp and a Duration have the same two fields.
      let value = hasTTL ? ttl : expiration
      let (nanoseconds, isFar) = value.seconds.multipliedReportingOverflow(by: 1_000_000_000)
      let (whole, isFarther) = nanoseconds.addingReportingOverflow(value.nanoseconds)
      // What lies beyond three hundred years is over or as good as endless, by its sign.
      if isFar || isFarther { return value.seconds < 0 ? 0 : .max }
      let (left, overflow) = whole.subtractingReportingOverflow(hasTTL ? 0 : now)
      return overflow ? 0 : max(0, left)
    }
  }
}
