import ClusterModel
import Lifecycle
import Rollcall

/// The content of a state file: what a ``SavedState`` is as fields. Numbers are never used again for something else.
enum StateCoding {
  static func encode(_ state: SavedState) -> [UInt8] {
    var writer = TaggedWriter()
    writer.writeHead(state)
    for node in state.lives.nodes { writer.write(5) { $0.write(node) } }
    for (id, version) in state.affiliates.sorted(by: { $0.key < $1.key }) {
      writer.write(6) { $0.write(id.text, version) }
    }
    for (name, version) in state.members.sorted(by: { $0.key < $1.key }) {
      writer.write(7) { $0.write(name, version) }
    }
    return writer.bytes
  }

  static func encode(_ capture: StateCapture, cursors: [String: UInt64]) -> [UInt8] {
    var head = capture.head
    head.cursors = cursors
    var writer = TaggedWriter()
    writer.writeHead(head)
    capture.forEachNode { node in writer.write(5) { $0.write(node) } }
    capture.forEachVersion { id, version, member in
      writer.write(6) { $0.write(id.text, version) }
      if let member { writer.write(7) { $0.write(member.nodename, member.version) } }
    }
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8]) throws(TaggedReader.Malformed) -> SavedState {
    var reader = TaggedReader(bytes)
    var state = SavedState(savedAt: Timestamp(milliseconds: 0))
    while let field = try reader.next() {
      switch field.number {
      case 1: state.savedAt = Timestamp(milliseconds: try field.signed())
      case 2: state.historySince = Timestamp(milliseconds: try field.signed())
      case 3:
        let (name, prefix) = try field.pair()
        state.prefixes[name] = prefix
      case 4:
        var (name, leases) = ("", false)
        var fields = try field.fields()
        while let field = try fields.next() {
          if field.number == 1 { name = try field.text() }
          if field.number == 2 { leases = try field.bool() }
        }
        state.lives.leases[name] = leases
      case 5: state.lives.nodes.append(try field.node())
      case 6:
        let (text, version) = try field.version()
        state.affiliates[try identity(text)] = version
      case 7:
        let (name, version) = try field.version()
        state.members[name] = version
      case 8: state.history.append(try field.entry())
      case 9:
        var (name, cursor) = ("", UInt64(0))
        var fields = try field.fields()
        while let field = try fields.next() {
          if field.number == 1 { name = try field.text() }
          if field.number == 2 { cursor = try field.unsigned() }
        }
        state.cursors[name] = cursor
      case 10: state.known.insert(try field.text())
      default: break
      }
    }
    return state
  }

  /// A node's identity, or what a node is called that only one registry knows.
  static func identity(_ text: String) throws(TaggedReader.Malformed) -> NodeIdentity {
    do {
      guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return try NodeIdentity(text) }
      return NodeIdentity(
        localID: try NodeIdentity(text[text.utf8.index(after: slash)...]),
        rawPrefix: String(text[..<slash]))
    } catch {
      throw TaggedReader.Malformed(what: "a node's identity")
    }
  }
}

// MARK: - Values

extension TaggedWriter {
  /// What isn't of single nodes.
  fileprivate mutating func writeHead(_ state: SavedState) {
    write(1, state.savedAt.milliseconds)
    write(2, state.historySince.milliseconds)
    for (name, prefix) in state.prefixes.sorted(by: { $0.key < $1.key }) { writePair(3, name, prefix) }
    for name in state.known.sorted() { write(10, name) }
    for (name, leases) in state.lives.leases.sorted(by: { $0.key < $1.key }) {
      write(4) {
        $0.write(1, name)
        $0.write(2, leases)
      }
    }
    for entry in state.history { write(8) { $0.write(entry) } }
    for (name, cursor) in state.cursors.sorted(by: { $0.key < $1.key }) {
      write(9) {
        $0.write(1, name)
        $0.write(2, cursor)
      }
    }
  }

  fileprivate mutating func writePair(_ field: Int, _ key: String, _ value: String) {
    write(field) {
      $0.write(1, key)
      $0.write(2, value)
    }
  }

  mutating func write(_ field: Int, _ time: Timestamp?) {
    if let time { write(field, time.milliseconds) }
  }

  fileprivate mutating func write(_ name: String, _ version: SavedState.Version) {
    write(1, name)
    write(2, version.number)
    write(3, version.created)
    write(4, version.updated)
  }

  fileprivate mutating func write(_ entry: HistoryEntry) {
    write(1, entry.number)
    write(2, entry.revision)
    write(3, entry.time)
    write(4, entry.kind.rawValue)
    write(5, entry.id)
    if let node = entry.nodeID { write(6, node.text) }
    if let from = entry.from { write(7, from) }
    write(8, entry.to)
    writeText(9, entry.reason)
    if let registry = entry.registry { write(10, registry) }
    writeText(11, entry.message)
    write(12, UInt64(clamping: entry.count))
    write(13, entry.isFlapping)
  }

  fileprivate mutating func write(_ node: LifecycleState.Node) {
    write(1, node.id.text)
    if let affiliate = node.affiliate { write(2) { $0.write(affiliate) } }
    for record in node.records {
      write(3) {
        $0.write(record.source)
        $0.write(3, record.listedAt)
        $0.write(4) { $0.write(record.record) }
      }
    }
    for mark in node.marks {
      write(4) {
        $0.write(mark.source)
        $0.write(3, mark.reason.rawValue)
        $0.write(4, mark.at)
        $0.write(5, mark.lastSeen)
      }
    }
    write(5, node.arrival)
    if let status = node.status { write(6) { $0.write(status) } }
    if let prior = node.prior {
      write(7) {
        $0.write(1, prior.state.rawValue)
        $0.write(2, prior.since)
      }
    }
    write(8, node.isNeverSeen)
    for time in node.returns { write(9, time) }
    write(10, node.lastChange)
    write(11, node.isFlapping)
    for tombstone in node.tombstones {
      write(12) {
        $0.write(1) { $0.write(tombstone.status) }
        $0.write(2, tombstone.until)
        if let affiliate = tombstone.affiliate { $0.write(3) { $0.write(affiliate) } }
      }
    }
  }

  private mutating func write(_ source: RecordSource) {
    write(1, source.registry)
    writeText(2, source.source.name)
  }

  private mutating func write(_ status: LifecycleState.Status) {
    write(1, status.name)
    write(2, status.state.rawValue)
    write(3, status.reason.text)
    write(4, status.since)
  }

  mutating func write(_ record: AffiliateRecord) {
    write(1) { $0.write(record.affiliate) }
    write(2, record.confirmedAt)
    write(3, record.isStale)
    write(4, record.isLocalID)
    writeText(5, record.machineID)
    for (key, value) in record.labels { writePair(6, key, value) }
    write(7, record.createdAt)
    switch record.health {
    case .ready: write(8, "")
    case .notReady(let reason): write(9, reason)
    case nil: break
    }
  }

  mutating func write(_ affiliate: Affiliate) {
    write(1, affiliate.nodeID.text)
    for address in affiliate.addresses { write(2, address.description) }
    writeText(3, affiliate.hostname)
    writeText(4, affiliate.nodename)
    writeText(5, affiliate.operatingSystem)
    write(6, affiliate.machineType.description)
    if let kubeSpan = affiliate.kubeSpan {
      write(7) {
        $0.writeText(1, kubeSpan.publicKey)
        if let address = kubeSpan.address { $0.write(2, address.description) }
        for prefix in kubeSpan.additionalAddresses { $0.write(3, prefix.description) }
        for endpoint in kubeSpan.endpoints { $0.write(4, endpoint.description) }
        for prefix in kubeSpan.excludeAdvertisedNetworks { $0.write(5, prefix.description) }
      }
    }
    if let controlPlane = affiliate.controlPlane { write(8, UInt64(controlPlane.apiServerPort)) }
  }
}

extension TaggedReader.Field {
  private typealias Malformed = TaggedReader.Malformed

  /// What `make` makes of the field's text.
  func parsed<Value>(_ make: (String) throws -> Value) throws(TaggedReader.Malformed) -> Value {
    let text = try text()
    do { return try make(text) } catch { throw TaggedReader.Malformed(what: "the value of field \(number)") }
  }

  /// The value of an enumeration whose texts are known; what a later version added is nil.
  private func known<Value: RawRepresentable>() throws(TaggedReader.Malformed) -> Value?
  where Value.RawValue == String { Value(rawValue: try text()) }

  func time() throws(TaggedReader.Malformed) -> Timestamp {
    Timestamp(milliseconds: try signed())
  }

  fileprivate func pair() throws(TaggedReader.Malformed) -> (String, String) {
    var (key, value) = ("", "")
    var fields = try fields()
    while let field = try fields.next() {
      if field.number == 1 { key = try field.text() }
      if field.number == 2 { value = try field.text() }
    }
    return (key, value)
  }

  fileprivate func version() throws(TaggedReader.Malformed) -> (String, SavedState.Version) {
    var name = ""
    let zero = Timestamp(milliseconds: 0)
    var version = SavedState.Version(number: 1, created: zero, updated: zero)
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: name = try field.text()
      case 2: version.number = try field.unsigned()
      case 3: version.created = try field.time()
      case 4: version.updated = try field.time()
      default: break
      }
    }
    return (name, version)
  }

  fileprivate func entry() throws(TaggedReader.Malformed) -> HistoryEntry {
    var entry = HistoryEntry(
      revision: 0, time: Timestamp(milliseconds: 0), kind: .daemon, id: "", to: "")
    var (number, count, isFlapping) = (UInt64(0), 1, false)
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: number = try field.unsigned()
      case 2: entry.revision = try field.unsigned()
      case 3: entry.time = try field.time()
      case 4: entry.kind = try field.known() ?? .daemon
      case 5: entry.id = try field.text()
      case 6: entry.nodeID = try StateCoding.identity(try field.text())
      case 7: entry.from = try field.text()
      case 8: entry.to = try field.text()
      case 9: entry.reason = try field.text()
      case 10: entry.registry = try field.text()
      case 11: entry.message = try field.text()
      case 12: count = Int(clamping: try field.unsigned())
      case 13: isFlapping = try field.bool()
      default: break
      }
    }
    return HistoryEntry(entry, number: number, count: count, isFlapping: isFlapping)
  }

  fileprivate func node() throws(TaggedReader.Malformed) -> LifecycleState.Node {
    var node: LifecycleState.Node?
    var fields = try fields()
    while let field = try fields.next() {
      if field.number == 1 {
        node = LifecycleState.Node(id: try StateCoding.identity(try field.text()))
        continue
      }
      guard var known = node else { throw TaggedReader.Malformed(what: "a node without an identity") }
      switch field.number {
      case 2: known.affiliate = try field.affiliate()
      case 3: known.records.append(try field.record())
      case 4: if let mark = try field.mark() { known.marks.append(mark) }
      case 5: known.arrival = try field.time()
      case 6: known.status = try field.status()
      case 7: known.prior = try field.prior()
      case 8: known.isNeverSeen = try field.bool()
      case 9: known.returns.append(try field.time())
      case 10: known.lastChange = try field.time()
      case 11: known.isFlapping = try field.bool()
      case 12: if let grave = try field.grave() { known.tombstones.append(grave) }
      default: break
      }
      node = known
    }
    guard let node else { throw TaggedReader.Malformed(what: "a node without an identity") }
    return node
  }

  private func record() throws(TaggedReader.Malformed) -> LifecycleState.Record {
    var (registry, source) = ("", "")
    var listedAt = Timestamp(milliseconds: 0)
    var record: AffiliateRecord?
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: registry = try field.text()
      case 2: source = try field.text()
      case 3: listedAt = try field.time()
      case 4: record = try field.affiliateRecord()
      default: break
      }
    }
    guard let record else { throw TaggedReader.Malformed(what: "a record without content") }
    return LifecycleState.Record(
      source: RecordSource(registry: registry, source: RegistrySource(unchecked: source)), record: record,
      listedAt: listedAt)
  }

  private func mark() throws(TaggedReader.Malformed) -> LifecycleState.Mark? {
    var (registry, source) = ("", "")
    var reason: DepartureReason?
    var at = Timestamp(milliseconds: 0)
    var lastSeen: Timestamp?
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: registry = try field.text()
      case 2: source = try field.text()
      case 3: reason = try field.known()
      case 4: at = try field.time()
      case 5: lastSeen = try field.time()
      default: break
      }
    }
    return reason.map {
      LifecycleState.Mark(
        source: RecordSource(registry: registry, source: RegistrySource(unchecked: source)), reason: $0,
        at: at,
        lastSeen: lastSeen)
    }
  }

  private func status() throws(TaggedReader.Malformed) -> LifecycleState.Status? {
    var (name, reason) = ("", "")
    var state: NodeState?
    var since = Timestamp(milliseconds: 0)
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: name = try field.text()
      case 2: state = try field.known()
      case 3: reason = try field.text()
      case 4: since = try field.time()
      default: break
      }
    }
    return state.map {
      LifecycleState.Status(name: name, state: $0, reason: StatusReason(reason), since: since)
    }
  }

  private func prior() throws(TaggedReader.Malformed) -> LifecycleState.Prior? {
    var state: NodeState?
    var since = Timestamp(milliseconds: 0)
    var fields = try fields()
    while let field = try fields.next() {
      if field.number == 1 { state = try field.known() }
      if field.number == 2 { since = try field.time() }
    }
    return state.map { LifecycleState.Prior(state: $0, since: since) }
  }

  private func grave() throws(TaggedReader.Malformed) -> LifecycleState.Grave? {
    var status: LifecycleState.Status?
    var until = Timestamp(milliseconds: 0)
    var affiliate: Affiliate?
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: status = try field.status()
      case 2: until = try field.time()
      case 3: affiliate = try field.affiliate()
      default: break
      }
    }
    return status.map { LifecycleState.Grave(status: $0, until: until, affiliate: affiliate) }
  }

  func affiliateRecord() throws(TaggedReader.Malformed) -> AffiliateRecord {
    var affiliate: Affiliate?
    var record: AffiliateRecord?
    var labels: [String: String] = [:]
    var fields = try fields()
    while let field = try fields.next() {
      if field.number == 1 {
        let known = try field.affiliate()
        affiliate = known
        record = AffiliateRecord(known)
        continue
      }
      switch field.number {
      case 2: record?.confirmedAt = try field.time()
      case 3: record?.isStale = try field.bool()
      case 4: record?.isLocalID = try field.bool()
      case 5: record?.machineID = try field.text()
      case 6:
        let (key, value) = try field.pair()
        labels[key] = value
      case 7: record?.createdAt = try field.time()
      case 8: record?.health = .ready
      case 9: record?.health = .notReady(reason: try field.text())
      default: break
      }
    }
    guard affiliate != nil, var record else { throw TaggedReader.Malformed(what: "a record without content") }
    if !labels.isEmpty {
      guard let known = try? NodeLabels(labels) else { throw TaggedReader.Malformed(what: "labels") }
      record.labels = known
    }
    return record
  }

  func affiliate() throws(TaggedReader.Malformed) -> Affiliate {
    var nodeID: NodeIdentity?
    var addresses: [IPAddress] = []
    var (hostname, nodename, operatingSystem, machineType) = ("", "", "", MachineType.unknown)
    var kubeSpan: KubeSpanAffiliate?
    var controlPlane: ControlPlane?
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: nodeID = try StateCoding.identity(try field.text())
      case 2: addresses.append(try field.parsed { try IPAddress($0) })
      case 3: hostname = try field.text()
      case 4: nodename = try field.text()
      case 5: operatingSystem = try field.text()
      case 6: machineType = try field.parsed { try MachineType($0) }
      case 7: kubeSpan = try field.kubeSpan()
      case 8:
        guard let port = UInt16(exactly: try field.unsigned()) else {
          throw TaggedReader.Malformed(what: "a port")
        }
        controlPlane = ControlPlane(apiServerPort: port)
      default: break
      }
    }
    guard let nodeID else { throw TaggedReader.Malformed(what: "an affiliate without an identity") }
    return Affiliate(
      nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: nodename,
      operatingSystem: operatingSystem, machineType: machineType, kubeSpan: kubeSpan,
      controlPlane: controlPlane)
  }

  private func kubeSpan() throws(TaggedReader.Malformed) -> KubeSpanAffiliate {
    var kubeSpan = KubeSpanAffiliate(publicKey: "")
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: kubeSpan.publicKey = try field.text()
      case 2: kubeSpan.address = try field.parsed { try IPAddress($0) }
      case 3: kubeSpan.additionalAddresses.append(try field.parsed { try IPPrefix($0) })
      case 4: kubeSpan.endpoints.append(try field.parsed { try IPEndpoint($0) })
      case 5: kubeSpan.excludeAdvertisedNetworks.append(try field.parsed { try IPPrefix($0) })
      default: break
      }
    }
    return kubeSpan
  }
}
