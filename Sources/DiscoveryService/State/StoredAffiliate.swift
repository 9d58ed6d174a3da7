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
  /// The earliest tick at which the wheel will bring this affiliate up.
  var scheduled: Int64?

  init(id: OpaqueID, expires: Int64) {
    self.id = id
    self.expires = expires
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
  func apply(_ update: AffiliateUpdate, expires until: Int64) -> Bool {
    var changed = false
    if let new = update.data, !new.isEmpty {
      if new != data {
        data = new
        changed = true
      }
      expires = until
    } else {
      expires = max(expires, until)
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
