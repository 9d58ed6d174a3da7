package import CRegistryPlugin
package import ClusterModel

#if canImport(Glibc)
  import Glibc
#endif

/// Copies what crosses the boundary into values, and checks it: counts before anything is read, then text,
/// families and lengths. Errors name the node and the field.
///
/// A struct for one call, or for one instance under its lock: it remembers text that repeats from node to node.
package struct BoundaryReader {
  package let limits: BoundaryLimits
  /// Operating systems that were read lately: thousands of nodes have the same few.
  private var recent: [String] = []
  private var nextRecent = 0

  package init(limits: BoundaryLimits = .init()) { self.limits = limits }

  package func checkNodes(_ count: Int) throws(RegistryError) {
    guard count >= 0, count <= limits.nodes else {
      throw RegistryError(
        .limitExceeded,
        "\(UInt(bitPattern: count)) nodes are more than the \(limits.nodes) that one registry may have")
    }
  }

  /// One node.
  package mutating func record(
    _ affiliate: UnsafePointer<registry_affiliate_v1>, index: Int = 0
  ) throws(RegistryError) -> AffiliateRecord {
    let nodeID = try nodeID(affiliate.pointee.node_id, index: index)
    do {
      var record = try fields(affiliate, of: nodeID)
      try readDetails(affiliate, into: &record)
      return record
    } catch {
      throw RegistryError(error.code, "node '\(nodeID)': \(error.message)", cause: error)
    }
  }

  private mutating func fields(
    _ raw: UnsafePointer<registry_affiliate_v1>, of nodeID: NodeIdentity
  ) throws(RegistryError) -> AffiliateRecord {
    let affiliate = Affiliate(
      nodeID: nodeID,
      addresses: try addresses(raw.pointee.addresses, raw.pointee.address_count, "addresses"),
      hostname: try text(raw.pointee.hostname, "hostname"),
      nodename: try text(raw.pointee.nodename, "nodename"),
      operatingSystem: try repeated(raw.pointee.operating_system, "operating_system"),
      machineType: MachineType(boundary: raw.pointee.machine_type), kubeSpan: try kubeSpan(raw),
      controlPlane: raw.pointee.api_server_port == 0
        ? nil : ControlPlane(apiServerPort: raw.pointee.api_server_port))
    return AffiliateRecord(
      affiliate,
      confirmedAt: raw.pointee.confirmed_at == 0
        ? nil : Timestamp(milliseconds: raw.pointee.confirmed_at),
      isStale: raw.pointee.flags & UInt32(REGISTRY_AFFILIATE_STALE) != 0,
      isLocalID: raw.pointee.flags & UInt32(REGISTRY_AFFILIATE_LOCAL_ID) != 0)
  }

  /// What the record says of KubeSpan; nil where it says nothing.
  private mutating func kubeSpan(
    _ raw: UnsafePointer<registry_affiliate_v1>
  ) throws(RegistryError) -> KubeSpanAffiliate? {
    let kubeSpan = KubeSpanAffiliate(
      publicKey: try text(raw.pointee.public_key, "public_key"),
      address: try address(raw.pointee.kubespan_address, "kubespan_address"),
      additionalAddresses: try prefixes(
        raw.pointee.additional_addresses, raw.pointee.additional_address_count, "additional_addresses"),
      excludeAdvertisedNetworks: try prefixes(
        raw.pointee.excluded_networks, raw.pointee.excluded_network_count, "excluded_networks"),
      endpoints: try endpoints(raw.pointee.endpoints, raw.pointee.endpoint_count, "endpoints"))
    return kubeSpan.isEmpty ? nil : kubeSpan
  }

  /// What few records have.
  private mutating func readDetails(
    _ raw: UnsafePointer<registry_affiliate_v1>, into record: inout AffiliateRecord
  ) throws(RegistryError) {
    if raw.pointee.created_at != 0 { record.createdAt = Timestamp(milliseconds: raw.pointee.created_at) }
    if raw.pointee.machine_id.length != 0 {
      record.machineID = try text(raw.pointee.machine_id, "machine_id")
    }
    switch Int(raw.pointee.health) {
    case REGISTRY_HEALTH_READY: record.health = .ready
    case REGISTRY_HEALTH_NOT_READY:
      record.health = .notReady(
        reason: try text(raw.pointee.health_reason, "health_reason", limit: NodeHealth.maximumReasonLength))
    default: break
    }
    guard let labels = try list(raw.pointee.labels, raw.pointee.label_count, "labels") else { return }
    var values: [String: String] = [:]
    for index in 0..<raw.pointee.label_count {
      let key = try text(labels[index].key, "labels")
      guard values.updateValue(try text(labels[index].value, "labels"), forKey: key) == nil else {
        throw RegistryError(.invalidArgument, "labels has \(quoted(key)) twice; each key may be in it once")
      }
    }
    do { record.labels = try NodeLabels(values) } catch {
      throw RegistryError(.invalidArgument, "labels: \(error.message)", cause: error)
    }
  }

  /// What a node is to have published.
  package mutating func desired(
    _ publication: UnsafePointer<registry_publication_v1>
  ) throws(RegistryError) -> DesiredPublication {
    var desired = DesiredPublication(revision: publication.pointee.revision, publication: nil)
    guard let local = publication.pointee.local else { return desired }
    let record = try record(local)
    var result = Publication(
      local: record.affiliate, labels: record.labels, machineID: record.machineID)
    let count = publication.pointee.seen_count
    try checkNodes(count)
    if count > 0 {
      guard let seen = publication.pointee.seen else { throw Self.null("seen", count) }
      for index in 0..<count {
        let nodeID = try nodeID(seen[index].node_id, index: index)
        result.seenEndpoints[nodeID] = try endpoints(
          seen[index].endpoints, seen[index].endpoint_count, "seen['\(nodeID)']")
      }
    }
    desired.publication = result
    return desired
  }
}

// MARK: Batches

extension BoundaryReader {
  /// A batch. Counts beyond the limits are refused before anything is read.
  package mutating func batch(
    _ raw: UnsafePointer<registry_batch_v1>
  ) throws(RegistryError) -> RegistryBatch {
    var batch = RegistryBatch()
    let raw = raw.pointee
    if raw.expected_source_count != 0 {
      batch.expectedSources = try sources(raw.expected_sources, count: raw.expected_source_count)
    }
    if let updates = try list(raw.updates, raw.update_count, "updates", limit: limits.updates) {
      batch.updates.reserveCapacity(raw.update_count)
      var nodes = 0
      for index in 0..<raw.update_count {
        try read(updates + index, into: &batch.updates, nodes: &nodes)
      }
    }
    if let reports = try list(raw.reports, raw.report_count, "reports", limit: limits.reports) {
      for index in 0..<raw.report_count { batch.reports.append(try report(reports + index)) }
    }
    return batch
  }

  /// One update, which may stand for several nodes.
  private mutating func read(
    _ raw: UnsafePointer<registry_update_v1>, into updates: inout [RegistryUpdate], nodes: inout Int
  ) throws(RegistryError) {
    let source = try source(raw.pointee.source)
    switch Int(raw.pointee.kind) {
    case REGISTRY_UPDATE_SNAPSHOT:
      let records = try records(raw.pointee.affiliates, count: raw.pointee.affiliate_count, &nodes)
      updates.append(.snapshot(records, source: source, absent: RemovalReason(boundary: raw.pointee.reason)))
    case REGISTRY_UPDATE_UPSERT:
      let count = raw.pointee.affiliate_count
      nodes = try checkedSum(nodes, count)
      guard count > 0 else { return }
      guard let affiliates = raw.pointee.affiliates else { throw Self.null("affiliates", count) }
      for index in 0..<count {
        updates.append(.upsert(try record(affiliates + index, index: index), source: source))
      }
    case REGISTRY_UPDATE_REMOVE:
      let count = raw.pointee.node_id_count
      nodes = try checkedSum(nodes, count)
      guard count > 0 else { return }
      guard let ids = raw.pointee.node_ids else { throw Self.null("node_ids", count) }
      let reason = RemovalReason(boundary: raw.pointee.reason) ?? .removed
      for index in 0..<count {
        updates.append(.remove(try nodeID(ids[index], index: index), source: source, reason: reason))
      }
    case REGISTRY_UPDATE_SOURCE_GONE: updates.append(.sourceGone(source))
    default:
      throw RegistryError(
        .invalidArgument, "an update has the kind \(raw.pointee.kind), which isn't one of REGISTRY_UPDATE_")
    }
  }

  private mutating func records(
    _ affiliates: UnsafePointer<registry_affiliate_v1>?, count: Int, _ nodes: inout Int
  ) throws(RegistryError) -> [AffiliateRecord] {
    nodes = try checkedSum(nodes, count)
    guard count > 0 else { return [] }
    guard let affiliates else { throw Self.null("affiliates", count) }
    var records: [AffiliateRecord] = []
    records.reserveCapacity(count)
    for index in 0..<count { records.append(try record(affiliates + index, index: index)) }
    return records
  }

  /// `nodes` and `count` more, where a batch may have so many.
  private func checkedSum(_ nodes: Int, _ count: Int) throws(RegistryError) -> Int {
    try checkNodes(count)
    try checkNodes(nodes + count)
    return nodes + count
  }

  /// How one aspect is.
  package func report(_ raw: UnsafePointer<registry_report_v1>) throws(RegistryError) -> HealthReport {
    let source = try source(raw.pointee.source)
    let aspect = HealthAspect(boundary: raw.pointee.aspect)
    guard raw.pointee.code != registry_code(REGISTRY_OK) else {
      return HealthReport(aspect, nil, source: source)
    }
    let message = BoundaryMessage.oneLine(raw.pointee.text)
    return HealthReport(
      aspect,
      RegistryError(
        .init(boundary: raw.pointee.code), message.isEmpty ? "the plugin doesn't say why" : message),
      source: source)
  }
}

// MARK: Text

extension BoundaryReader {
  /// A node's identity; `index` names the node where it has none.
  package func nodeID(
    _ raw: registry_string_v1, index: Int? = nil
  ) throws(RegistryError) -> NodeIdentity {
    // What is right takes one look at its bytes; what isn't gets its message the long way.
    if let data = raw.data, raw.length > 0, raw.length <= NodeIdentity.maximumLength,
      let nodeID = NodeIdentity(printable: UnsafeRawBufferPointer(start: data, count: raw.length))
    {
      return nodeID
    }
    do {
      return try NodeIdentity(try text(raw, "node_id"))
    } catch {
      let place = index.map { "node \($0): " } ?? ""
      throw RegistryError(
        (error as? RegistryError)?.code ?? .invalidArgument, "\(place)\(error)", cause: error)
    }
  }

  /// A source.
  package func source(_ raw: registry_string_v1) throws(RegistryError) -> RegistrySource {
    guard raw.length != 0 else { return .only }
    do {
      return try RegistrySource(try text(raw, "source"))
    } catch {
      throw RegistryError((error as? RegistryError)?.code ?? .invalidArgument, "\(error)", cause: error)
    }
  }

  /// A list of sources, as many as a registry may have.
  package func sources(
    _ raw: UnsafePointer<registry_string_v1>?, count: Int
  ) throws(RegistryError) -> [RegistrySource] {
    guard let raw = try list(raw, count, "expected_sources", limit: RegistrySource.maximumCount) else {
      return []
    }
    var sources: [RegistrySource] = []
    sources.reserveCapacity(count)
    for index in 0..<count { sources.append(try source(raw[index])) }
    return sources
  }

  /// Text of at most `limit` bytes, by default those of ``limits``.
  package func text(
    _ raw: registry_string_v1, _ field: StaticString, limit: Int? = nil
  ) throws(RegistryError) -> String {
    guard let bytes = try bytes(raw, field, limit: limit ?? limits.textBytes) else { return "" }
    guard let text = String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self) else {
      throw RegistryError(.invalidArgument, "\(field) isn't UTF-8")
    }
    return text
  }

  /// Text that many nodes have alike.
  private mutating func repeated(
    _ raw: registry_string_v1, _ field: StaticString
  ) throws(RegistryError) -> String {
    guard raw.length > 15, let bytes = try bytes(raw, field, limit: limits.textBytes) else {
      // Up to 15 bytes live within the value itself.
      return try text(raw, field)
    }
    for candidate in recent where candidate.utf8.count == bytes.count {
      let isSame =
        candidate.utf8.withContiguousStorageIfAvailable { known in
          guard let known = known.baseAddress, let bytes = bytes.baseAddress else { return false }
          return memcmp(known, bytes, candidate.utf8.count) == 0
        } ?? false
      if isSame { return candidate }
    }
    let value = try text(raw, field)
    if recent.count < 8 {
      recent.append(value)
    } else {
      recent[nextRecent] = value
      nextRecent = (nextRecent + 1) % 8
    }
    return value
  }

  private func bytes(
    _ raw: registry_string_v1, _ field: StaticString, limit: Int
  ) throws(RegistryError) -> UnsafeRawBufferPointer? {
    guard raw.length != 0 else { return nil }
    // A size_t above Int.max arrives as a negative number.
    guard raw.length > 0, raw.length <= limit else {
      throw RegistryError(
        .limitExceeded, "\(field) has \(UInt(bitPattern: raw.length)) bytes, more than the \(limit) allowed")
    }
    guard let data = raw.data else { throw Self.null("\(field)", raw.length) }
    guard memchr(data, 0, raw.length) == nil else {
      throw RegistryError(.invalidArgument, "\(field) has a zero byte within")
    }
    return UnsafeRawBufferPointer(start: data, count: raw.length)
  }

  static func null(_ field: String, _ count: Int) -> RegistryError {
    RegistryError(.invalidArgument, "\(field) is NULL, and its count is \(count)")
  }
}

// MARK: Addresses

extension BoundaryReader {
  /// An address, or nil for family 0.
  package func address(
    _ raw: registry_address_v1, _ field: @autoclosure () -> String
  ) throws(RegistryError) -> IPAddress? {
    switch raw.family {
    case 0: return nil
    case 4:
      return withUnsafeBytes(of: raw) { IPAddress(v4: UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self))) }
    case 6:
      return withUnsafeBytes(of: raw) {
        IPAddress(
          v6High: UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
          low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
      }
    default:
      throw RegistryError(
        .invalidArgument, "\(field()) has the address family \(raw.family), which isn't 4 or 6")
    }
  }

  private func someAddress(
    _ raw: registry_address_v1, _ field: @autoclosure () -> String
  ) throws(RegistryError) -> IPAddress {
    guard let address = try address(raw, field()) else {
      throw RegistryError(.invalidArgument, "\(field()) has no address: its family is 0, not 4 or 6")
    }
    return address
  }

  private func addresses(
    _ raw: UnsafePointer<registry_address_v1>?, _ count: Int, _ field: StaticString
  ) throws(RegistryError) -> [IPAddress] {
    guard let raw = try list(raw, count, field) else { return [] }
    var addresses: [IPAddress] = []
    addresses.reserveCapacity(count)
    for index in 0..<count { addresses.append(try someAddress(raw[index], "\(field)[\(index)]")) }
    return addresses
  }

  private func prefixes(
    _ raw: UnsafePointer<registry_prefix_v1>?, _ count: Int, _ field: StaticString
  ) throws(RegistryError) -> [IPPrefix] {
    guard let raw = try list(raw, count, field) else { return [] }
    var prefixes: [IPPrefix] = []
    prefixes.reserveCapacity(count)
    for index in 0..<count {
      let address = try someAddress(raw[index].address, "\(field)[\(index)]")
      guard let prefix = IPPrefix(address: address, length: Int(raw[index].length)) else {
        throw RegistryError(
          .invalidArgument,
          "\(field)[\(index)] has the length \(raw[index].length), which isn't 0 to \(address.family.bitCount)"
        )
      }
      prefixes.append(prefix)
    }
    return prefixes
  }

  private func endpoints(
    _ raw: UnsafePointer<registry_endpoint_v1>?, _ count: Int, _ field: @autoclosure () -> String
  ) throws(RegistryError) -> [IPEndpoint] {
    guard let raw = try list(raw, count, field()) else { return [] }
    var endpoints: [IPEndpoint] = []
    endpoints.reserveCapacity(count)
    for index in 0..<count {
      let address = try someAddress(raw[index].address, "\(field())[\(index)]")
      endpoints.append(IPEndpoint(address: address, port: raw[index].port))
    }
    return endpoints
  }

  private func list<Element>(
    _ raw: UnsafePointer<Element>?, _ count: Int, _ field: @autoclosure () -> String, limit: Int? = nil
  ) throws(RegistryError) -> UnsafePointer<Element>? {
    guard count != 0 else { return nil }
    let limit = limit ?? limits.listItems
    guard count > 0, count <= limit else {
      throw RegistryError(
        .limitExceeded, "\(field()) has \(UInt(bitPattern: count)) items, more than the \(limit) allowed")
    }
    guard let raw else { throw Self.null(field(), count) }
    return raw
  }

  private func list<Element>(
    _ raw: UnsafePointer<Element>?, _ count: Int, _ field: StaticString
  ) throws(RegistryError) -> UnsafePointer<Element>? {
    try list(raw, count, "\(field)", limit: nil)
  }
}

extension KubeSpanAffiliate {
  /// Whether it says nothing: as it crosses the boundary, the node then takes no part.
  var isEmpty: Bool {
    publicKey.isEmpty && address == nil && additionalAddresses.isEmpty && excludeAdvertisedNetworks.isEmpty
      && endpoints.isEmpty
  }
}
