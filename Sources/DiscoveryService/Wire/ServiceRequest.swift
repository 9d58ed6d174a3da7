import NIOCore

/// The five calls of `sidero.discovery.server.Cluster`.
enum ServiceMethod: String, CaseIterable, Sendable {
  case hello = "Hello"
  case update = "AffiliateUpdate"
  case delete = "AffiliateDelete"
  case list = "List"
  case watch = "Watch"

  static let service = "sidero.discovery.server.Cluster"

  /// The method at an HTTP/2 `:path`.
  init?(path: String) {
    switch path {
    case "/sidero.discovery.server.Cluster/AffiliateUpdate": self = .update
    case "/sidero.discovery.server.Cluster/Hello": self = .hello
    case "/sidero.discovery.server.Cluster/Watch": self = .watch
    case "/sidero.discovery.server.Cluster/List": self = .list
    case "/sidero.discovery.server.Cluster/AffiliateDelete": self = .delete
    default: return nil
    }
  }

  /// Its place in tables with a row for each method.
  var index: Int {
    switch self {
    case .hello: 0
    case .update: 1
    case .delete: 2
    case .list: 3
    case .watch: 4
    }
  }
}

/// A request, read from its protobuf form.
enum ServiceRequest: Sendable {
  case hello(cluster: OpaqueID, clientVersion: String)
  case update(AffiliateUpdate)
  case delete(cluster: OpaqueID, affiliate: OpaqueID)
  case list(cluster: OpaqueID)
  case watch(cluster: OpaqueID)

  /// The cluster it is about.
  var cluster: OpaqueID {
    switch self {
    case .hello(let cluster, _), .delete(let cluster, _), .list(let cluster), .watch(let cluster): cluster
    case .update(let update): update.cluster
    }
  }

  /// The request for `method` that `bytes` hold.
  ///
  /// - Parameter maximumEndpoints: An update with more endpoints than that is refused as it is read: a small
  ///   request must not become a large one. One that stands in it again isn't another one.
  init(
    _ method: ServiceMethod, _ bytes: ByteBuffer, maximumEndpoints: Int? = nil
  ) throws(ServiceError) {
    var excess = false
    let result: Result<ServiceRequest, ProtobufReader.Malformed> = bytes.withUnsafeReadableBytes { raw in
      Result { () throws(ProtobufReader.Malformed) in
        var reader = ProtobufReader(raw)
        guard method == .update else { return try Self.other(method, &reader) }
        return try Self.update(&reader, maximumEndpoints, &excess)
      }
    }
    switch result {
    case .success(let request):
      if excess { throw .exhausted("too many endpoints in the affiliate", reason: "endpoints") }
      self = request
    case .failure:
      throw ServiceError(.internal, "the request isn't a valid protobuf message", reason: "malformed")
    }
  }

  /// The request itself where it keeps the limits that can be told without looking at the state, without what
  /// nobody looks at.
  func checked(by limits: StoreLimits) throws(ServiceError) -> ServiceRequest {
    switch self {
    case .update(let update): try limits.check(update)
    case .delete(let cluster, let affiliate):
      try limits.check(cluster: cluster)
      try limits.check(affiliate: affiliate)
    case .hello(let cluster, let version):
      try limits.check(cluster: cluster)
      return .hello(cluster: cluster, clientVersion: String(version.unicodeScalars.prefix(64)))
    case .list(let cluster), .watch(let cluster): try limits.check(cluster: cluster)
    }
    return self
  }

  /// Bytes of memory that it takes while it waits, about.
  var keptBytes: Int {
    switch self {
    case .update(let update):
      update.endpoints.reduce(
        128 + update.cluster.bytes.count + update.affiliate.bytes.count + (update.data?.count ?? 0)
      ) { $0 + 48 + $1.count }
    case .delete(let cluster, let affiliate): 128 + cluster.bytes.count + affiliate.bytes.count
    case .hello(let cluster, let version): 128 + cluster.bytes.count + version.utf8.count
    case .list(let cluster), .watch(let cluster): 64 + cluster.bytes.count
    }
  }

  private static func update(
    _ reader: inout ProtobufReader, _ maximumEndpoints: Int?, _ excess: inout Bool
  ) throws(ProtobufReader.Malformed) -> ServiceRequest {
    var update = AffiliateUpdate(cluster: OpaqueID([]), affiliate: OpaqueID([]))
    var ttl: (seconds: Int64, nanoseconds: Int64)?
    while let (field, value) = try reader.next() {
      switch field {
      case 1: update.cluster = try value.id()
      case 2: update.affiliate = try value.id()
      case 3: update.data = try value.copied()
      case 4:
        let endpoint = try value.copied()
        guard let maximumEndpoints else {
          update.endpoints.append(endpoint)
          break
        }
        if update.endpoints.contains(endpoint) { break }
        if update.endpoints.count < maximumEndpoints {
          update.endpoints.append(endpoint)
        } else {
          excess = true
        }
      case 5:
        var duration = ttl ?? (0, 0)
        try value.merge(into: &duration)
        ttl = duration
      default: break
      }
    }
    update.timeToLive = ttl.map { .seconds($0.seconds) + .nanoseconds($0.nanoseconds) }
    return .update(update)
  }

  private static func other(
    _ method: ServiceMethod, _ reader: inout ProtobufReader
  ) throws(ProtobufReader.Malformed) -> ServiceRequest {
    var cluster = OpaqueID([])
    var second = OpaqueID([])
    let hasSecond = method == .hello || method == .delete
    while let (field, value) = try reader.next() {
      if field == 1 { cluster = try value.id() } else if field == 2, hasSecond { second = try value.id() }
    }
    return switch method {
    case .hello: .hello(cluster: cluster, clientVersion: second.text)
    case .delete: .delete(cluster: cluster, affiliate: second)
    case .list: .list(cluster: cluster)
    case .watch, .update: .watch(cluster: cluster)
    }
  }
}
