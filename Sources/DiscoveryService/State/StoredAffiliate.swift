import ClusterModel

/// What is known of one affiliate. Times are nanoseconds of the store's clock.
final class StoredAffiliate {
  struct Endpoint {
    var bytes: [UInt8]
    var expires: Int64
  }

  let id: OpaqueID
  var data: [UInt8] = []
  var endpoints: [Endpoint] = []
  var expires: Int64
  /// When its node last published or renewed it, by an update with data; nil where that isn't known.
  private(set) var renewedAt: Int64?
  /// From when and for how long its own last word, an update with data, lets others keep it, were they to send
  /// endpoints for ever; nil where it has never had data.
  private var spokeAt: (moment: Int64, lifetime: Int64)?
  /// Who is charged for it.
  var owner: IPAddress?
  /// The earliest tick at which the wheel will bring this affiliate up.
  var scheduled: Int64?

  init(id: OpaqueID, expires: Int64) {
    self.id = id
    self.expires = expires
  }

  /// An affiliate with data that was kept in a file, renewed at `renewedAt`, where that is known.
  convenience init(id: OpaqueID, data: [UInt8], expires: Int64, renewedAt: Int64?, now: Int64) {
    self.init(id: id, expires: expires)
    self.data = data
    guard !data.isEmpty else { return }
    self.renewedAt = renewedAt
    let moment = renewedAt ?? now
    spokeAt = (moment, expires - moment)
  }

  /// Bytes of memory that it takes, about.
  var bytes: Int { Self.bytes(id: id, data: data.count, endpoints: endpoints.count) }

  /// The same with the data and as many more endpoints as `update` brings.
  func bytes(with update: AffiliateUpdate) -> Int {
    let new = update.data.map { $0.isEmpty ? data.count : $0.count } ?? data.count
    return Self.bytes(id: id, data: new, endpoints: endpointCount(adding: update.endpoints))
  }

  private static func bytes(id: OpaqueID, data: Int, endpoints: Int) -> Int {
    // Objects, table entries and the heads of arrays; the id stands in the cluster's table too.
    400 + id.bytes.count + data + endpoints * 96
  }

  /// When the first of its parts expires.
  var nextExpiry: Int64 { endpoints.reduce(expires) { min($0, $1.expires) } }

  /// Drops the endpoints whose time is over by `now`; the affiliate itself lives on.
  func dropExpiredEndpoints(_ now: Int64) -> Int {
    let before = endpoints.count
    endpoints.removeAll { $0.expires <= now }
    return before - endpoints.count
  }

  func indexOfEndpoint(_ bytes: [UInt8]) -> Int? { endpoints.firstIndex { $0.bytes == bytes } }

  /// How many endpoints there would be with `more` added.
  func endpointCount(adding more: [[UInt8]]) -> Int {
    // Nearly always few: comparing all with all is cheaper than hashing them.
    guard more.count <= 8 else {
      return Set(endpoints.map(\.bytes)).union(more).count
    }
    var count = endpoints.count
    for (index, bytes) in more.enumerated()
    where indexOfEndpoint(bytes) == nil && !more[..<index].contains(bytes) {
      count += 1
    }
    return count
  }

  /// Takes over data and endpoints; says whether anything that watchers see has changed.
  func apply(_ update: AffiliateUpdate, now: Int64, expires until: Int64) -> Bool {
    var changed = false
    let lifetime = until - now
    if let new = update.data, !new.isEmpty {
      if new != data {
        data = new
        changed = true
      }
      expires = until
      renewedAt = now
      spokeAt = (now, lifetime)
    } else {
      // What others tell of its endpoints keeps a dead node no longer than a time to live after its own last word.
      let latest = spokeAt.map { $0.moment.addingReportingOverflow(max($0.lifetime, lifetime)) }
      expires = max(expires, min(until, latest.map { $0.overflow ? .max : $0.partialValue } ?? until))
    }
    for bytes in update.endpoints {
      if let index = indexOfEndpoint(bytes) {
        endpoints[index].expires = max(endpoints[index].expires, until)
      } else {
        endpoints.append(Endpoint(bytes: bytes, expires: until))
        changed = true
      }
    }
    return changed
  }
}
