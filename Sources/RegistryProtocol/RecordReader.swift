import ClusterModel
import Platform

/// Reads records of nodes: the short form of static files, and what only a program has to say.
struct RecordReader {
  typealias Failure = JSONLexer.Failure

  /// Who wrote what is read.
  enum Writer {
    /// A program of a person's own: addresses that can't be a node's are left out with a note.
    case program
    /// A host of plugins: what a plugin said comes unchanged.
    case plugin
  }

  let writer: Writer

  /// The record that is the current value.
  ///
  /// - Returns: what is right of it; nil, with a note, where it doesn't say which node it is of.
  func read(
    _ values: inout ValueReader, in list: StaticString, at index: Int
  ) throws(Failure) -> AffiliateRecord? {
    var fields = Fields()
    let problemsBefore = values.problems.count
    values.subject = (list, index)
    defer { values.subject = nil }
    let isObject = try values.object("a node") { (values, key) throws(Failure) in
      try read(key, &values, into: &fields)
    }
    guard isObject else { return nil }
    let isWhole = values.problems.count == problemsBefore
    return record(fields, isWhole: isWhole, &values)
  }

  /// What was read of a node so far.
  private struct Fields {
    var nodeID: String?
    var localID: String?
    var addresses: [IPAddress] = []
    var hostname = ""
    var nodename = ""
    var operatingSystem = ""
    var machineType = MachineType.unknown
    var kubeSpan: KubeSpanAffiliate?
    var controlPlane: ControlPlane?
    var confirmedAt: Timestamp?
    var createdAt: Timestamp?
    var isStale = false
    var machineID = ""
    var labels: NodeLabels?
    var isReady: Bool?
    var reason = ""
  }

  private func read(_ key: String, _ values: inout ValueReader, into fields: inout Fields) throws(Failure) {
    switch key {
    case "nodeId": fields.nodeID = try values.text(key)
    case "id": fields.localID = try values.text(key)
    case "nodename": fields.nodename = try values.text(key) ?? ""
    case "hostname": fields.hostname = try values.text(key) ?? ""
    case "addresses": fields.addresses = try addresses(&values)
    case "operatingSystem": fields.operatingSystem = try values.text(key) ?? ""
    case "machineType":
      fields.machineType =
        try values.value(key) { (text) throws(ModelError) in try MachineType(text) } ?? .unknown
    case "kubespan": fields.kubeSpan = try kubeSpan(&values)
    case "controlPlane":
      try values.object(key) { (values, key) throws(Failure) in
        guard key == "port" else { return try values.lexer.skipValue() }
        fields.controlPlane = try values.integer("controlPlane.port", in: 1...UInt16.max)
          .map { ControlPlane(apiServerPort: $0) }
      }
    case "labels": fields.labels = try labels(&values)
    case "machineID": fields.machineID = try values.text(key) ?? ""
    case "confirmedAt": fields.confirmedAt = try values.time(key)
    case "createdAt": fields.createdAt = try values.time(key)
    case "stale": fields.isStale = try values.bool(key) ?? false
    case "ready": fields.isReady = try values.bool(key)
    case "reason": fields.reason = try values.text(key, limit: NodeHealth.maximumReasonLength) ?? ""
    default: try values.lexer.skipValue()
    }
  }

  private func record(_ fields: Fields, isWhole: Bool, _ values: inout ValueReader) -> AffiliateRecord? {
    let isLocal = fields.nodeID == nil
    let name = fields.nodeID ?? fields.localID ?? fallback(fields)
    guard let name else {
      if isWhole { values.note("a node needs a `nodeId`, an `id`, a `nodename` or a `hostname`") }
      return nil
    }
    let nodeID: NodeIdentity
    do throws(ModelError) {
      nodeID = try NodeIdentity(name)
    } catch {
      values.note("\(error)")
      return nil
    }
    var record = AffiliateRecord(
      Affiliate(
        nodeID: nodeID, addresses: fields.addresses, hostname: fields.hostname, nodename: fields.nodename,
        operatingSystem: fields.operatingSystem, machineType: fields.machineType, kubeSpan: fields.kubeSpan,
        controlPlane: fields.controlPlane),
      confirmedAt: fields.confirmedAt, isStale: fields.isStale, isLocalID: isLocal)
    if !fields.machineID.isEmpty { record.machineID = fields.machineID }
    if let labels = fields.labels { record.labels = labels }
    if let time = fields.createdAt { record.createdAt = time }
    if let isReady = fields.isReady { record.health = isReady ? .ready : .notReady(reason: fields.reason) }
    return record
  }

  /// What a node is called by that has neither an identity nor an id.
  private func fallback(_ fields: Fields) -> String? {
    if !fields.nodename.isEmpty { return fields.nodename }
    return fields.hostname.isEmpty ? nil : fields.hostname
  }

  // MARK: Parts

  private func address(_ text: String) throws(ModelError) -> IPAddress {
    switch writer {
    case .program: try NodeAddress.parse(text)
    case .plugin: try IPAddress(text)
    }
  }

  private func endpoint(_ text: String) throws(ModelError) -> IPEndpoint {
    switch writer {
    case .program: try NodeAddress.parseEndpoint(text)
    case .plugin: try IPEndpoint(text)
    }
  }

  private func addresses(_ values: inout ValueReader) throws(Failure) -> [IPAddress] {
    try list(&values, "addresses") { (text) throws(ModelError) in try address(text) }
  }

  private func list<Value: Equatable>(
    _ values: inout ValueReader, _ name: String, _ convert: (String) throws(ModelError) -> Value
  ) throws(Failure) -> [Value] {
    var result: [Value] = []
    try values.items(name) { (values, index) throws(Failure) in
      guard let value = try values.value("\(name)[\(index)]", convert) else { return }
      // Each once, where a person may have written it twice.
      if writer == .plugin || !result.contains(value) { result.append(value) }
    }
    return result
  }

  private func kubeSpan(_ values: inout ValueReader) throws(Failure) -> KubeSpanAffiliate? {
    var kubeSpan = KubeSpanAffiliate()
    let prefix = { (text: String) throws(ModelError) in try IPPrefix(text) }
    try values.object("kubespan") { (values, key) throws(Failure) in
      switch key {
      case "publicKey":
        kubeSpan.publicKey =
          switch writer {
          case .program: try values.value("kubespan.publicKey", WireGuardKey.parse) ?? ""
          case .plugin: try values.text("kubespan.publicKey") ?? ""
          }
      case "address":
        kubeSpan.address = try values.value("kubespan.address") { (text) throws(ModelError) in
          try address(text)
        }
      case "additionalAddresses":
        kubeSpan.additionalAddresses = try list(&values, "kubespan.additionalAddresses", prefix)
      case "excludeAdvertisedNetworks":
        kubeSpan.excludeAdvertisedNetworks = try list(&values, "kubespan.excludeAdvertisedNetworks", prefix)
      case "endpoints":
        kubeSpan.endpoints = try list(&values, "kubespan.endpoints") { (text) throws(ModelError) in
          try endpoint(text)
        }
      default: try values.lexer.skipValue()
      }
    }
    return kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan
  }

  private func labels(_ values: inout ValueReader) throws(Failure) -> NodeLabels? {
    var labels: [String: String] = [:]
    try values.object("labels") { (values, key) throws(Failure) in
      if let text = try values.text("labels.\(key)") { labels[key] = text }
    }
    do throws(ModelError) {
      return try NodeLabels(labels)
    } catch {
      values.note("labels: \(error)")
      return nil
    }
  }
}
