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
  ///   request must not become a large one.
  init(
    _ method: ServiceMethod, _ bytes: ByteBuffer, maximumEndpoints: Int = .max
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

  /// The request itself where it keeps the limits that can be told without looking at the state.
  func checked(by limits: StoreLimits) throws(ServiceError) -> ServiceRequest {
    if case .update(let update) = self { try limits.check(update) }
    return self
  }

  private static func update(
    _ reader: inout ProtobufReader, _ maximumEndpoints: Int, _ excess: inout Bool
  ) throws(ProtobufReader.Malformed) -> ServiceRequest {
    var update = AffiliateUpdate(cluster: OpaqueID([]), affiliate: OpaqueID([]))
    var ttl: (seconds: Int64, nanoseconds: Int64)?
    while let (field, value) = try reader.next() {
      switch field {
      case 1: update.cluster = try value.id()
      case 2: update.affiliate = try value.id()
      case 3: update.data = try value.copied()
      case 4 where update.endpoints.count >= maximumEndpoints: excess = true
      case 4: update.endpoints.append(try value.copied())
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
