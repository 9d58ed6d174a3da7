import ClusterModel
import Lifecycle
import RegistryKit
import Rollcall

/// The content of a recording as fields: see ``StateCoding``. Numbers are never used again for something else.
enum RecordingCoding {
  /// The fields of a recording, in this order: what it begins with, each commit, and how it ended.
  enum Part {
    static let start = 1
    static let commit = 2
    static let end = 3
  }

  /// The fields of a commit: its moment on both clocks, then its input.
  private enum CommitField {
    static let elapsed = 1
    static let wall = 2
  }

  // MARK: Writing

  static func encode(_ start: RecordingStart) -> [UInt8] {
    var writer = TaggedWriter()
    writer.write(Part.start) {
      $0.write(1, start.program)
      $0.write(2, start.time)
      $0.write(3, nanoseconds: start.history.keep)
      $0.write(4, UInt64(clamping: start.history.maximumCount))
      $0.write(5, nanoseconds: start.history.tombstones.left)
      $0.write(6, nanoseconds: start.history.tombstones.missing)
      $0.write(7, UInt64(clamping: start.history.tombstones.maximumCount))
    }
    return writer.bytes
  }

  static func encode(_ input: TableInput, at moment: Moment) -> [UInt8] {
    var writer = TaggedWriter()
    writer.write(Part.commit) {
      $0.write(CommitField.elapsed, nanoseconds: moment.elapsed)
      $0.write(CommitField.wall, moment.wall)
      $0.write(input)
    }
    return writer.bytes
  }

  static func encode(_ end: RecordingEnd) -> [UInt8] {
    var writer = TaggedWriter()
    writer.write(Part.end) {
      $0.write(1, end.commits)
      $0.write(2, end.isFull)
    }
    return writer.bytes
  }

  // MARK: Reading

  /// One frame's content.
  enum Content {
    case start(RecordingStart)
    case commit(TableInput, Moment)
    case end(RecordingEnd)
  }

  static func decode(_ bytes: [UInt8]) throws(TaggedReader.Malformed) -> Content {
    var reader = TaggedReader(bytes)
    guard let field = try reader.next() else { throw TaggedReader.Malformed(what: "a part without content") }
    switch field.number {
    case Part.start: return .start(try start(try field.fields()))
    case Part.commit: return try commit(try field.fields())
    case Part.end: return .end(try end(try field.fields()))
    default: throw .unknown("a part")
    }
  }

  private static func start(_ fields: TaggedReader) throws(TaggedReader.Malformed) -> RecordingStart {
    var fields = fields
    var start = RecordingStart(history: HistoryRetention(), time: Timestamp(milliseconds: 0), program: "")
    while let field = try fields.next() {
      switch field.number {
      case 1: start.program = try field.text()
      case 2: start.time = try field.civilTime()
      case 3: start.history.keep = try field.length()
      case 4: start.history.maximumCount = max(1, Int(clamping: try field.unsigned()))
      case 5: start.history.tombstones.left = try field.length()
      case 6: start.history.tombstones.missing = try field.length()
      case 7: start.history.tombstones.maximumCount = Int(clamping: try field.unsigned())
      default: break
      }
    }
    return start
  }

  private static func commit(_ fields: TaggedReader) throws(TaggedReader.Malformed) -> Content {
    var fields = fields
    var (elapsed, wall): (Duration?, Timestamp?)
    while let field = try fields.next() {
      switch field.number {
      case CommitField.elapsed: elapsed = try field.length()
      case CommitField.wall: wall = try field.civilTime()
      default:
        guard let elapsed, let wall else { throw TaggedReader.Malformed(what: "the moment of a change") }
        return .commit(try field.input(), Moment(elapsed: elapsed, wall: wall))
      }
    }
    throw TaggedReader.Malformed(what: "a change without content")
  }

  private static func end(_ fields: TaggedReader) throws(TaggedReader.Malformed) -> RecordingEnd {
    var fields = fields
    var end = RecordingEnd(commits: 0, isFull: false)
    while let field = try fields.next() {
      switch field.number {
      case 1: end.commits = try field.unsigned()
      case 2: end.isFull = try field.bool()
      default: break
      }
    }
    return end
  }
}

extension TaggedReader.Malformed {
  private static let unknownSuffix = " that this program doesn't know"

  /// Something that a later version may write.
  fileprivate static func unknown(_ what: String) -> TaggedReader.Malformed {
    TaggedReader.Malformed(what: what + unknownSuffix)
  }

  /// What is wrong, as a sentence about a file.
  var sentence: String { what.hasSuffix(Self.unknownSuffix) ? "it has \(what)" : "\(what) is malformed" }
}

// MARK: - Inputs

extension TaggedWriter {
  /// The input as the field of its kind.
  fileprivate mutating func write(_ input: TableInput) {
    switch input {
    case .adopted(let adoption): write(10) { $0.write(adoption) }
    case .restored(let saved, let local):
      write(11) {
        $0.write(1, StateCoding.encode(saved))
        if let local { $0.write(2, local.text) }
      }
    case .started(let name, let savedAt, let nodeCount):
      write(12) {
        $0.writeText(3, name)
        $0.write(1, savedAt)
        $0.write(2, UInt64(clamping: nodeCount))
      }
    case .local(let record): write(13) { if let record { $0.write(2) { $0.write(record) } } }
    case .began(let key, let isRestart):
      write(14) {
        $0.write(key)
        $0.write(3, isRestart)
      }
    case .made(let key, let prefix, let descriptor, let leases):
      write(15) {
        $0.write(key)
        $0.write(3, prefix)
        if let descriptor {
          $0.write(4) {
            $0.write(1, descriptor.name)
            $0.write(2, descriptor.version)
            $0.write(3, descriptor.leases)
            $0.write(4) { $0.write(descriptor.matching) }
          }
        }
        if let leases { $0.write(5, UInt64(leases ? 1 : 0)) }
      }
    case .applied(let key, let batch, let nodeLimit):
      write(16) {
        $0.write(key)
        $0.write(3, UInt64(clamping: nodeLimit))
        $0.write(batch)
      }
    case .failed(let key, let error):
      write(17) {
        $0.write(key)
        $0.write(3, error)
      }
    case .stopped(let key): write(18) { $0.write(key) }
    case .readsPublications(let key): write(19) { $0.write(key) }
    case .published(let key, let revision, let isWithdrawal, let error):
      write(20) {
        $0.write(key)
        $0.write(3, revision)
        $0.write(4, isWithdrawal)
        if let error { $0.write(5, error) }
      }
    case .doesNotPublish(let key): write(21) { $0.write(key) }
    case .forgot(let name): write(22) { $0.write(1, name) }
    case .expired: write(23) { _ in }
    }
  }

  private mutating func write(_ adoption: TableAdoption) {
    for name in adoption.gone { write(1, name) }
    for (key, retention) in adoption.kept {
      write(2) {
        $0.write(key)
        $0.write(3) { $0.write(retention) }
      }
    }
    for placed in adoption.placed {
      write(3) {
        $0.write(placed.key)
        $0.write(3) { $0.write(placed.retention) }
        $0.write(4, placed.prefix)
        if let disabled = placed.disabled { $0.write(5, disabled) }
        $0.write(6, placed.hasRun)
      }
    }
    for name in adoption.policy.precedence { write(4, name) }
    for name in adoption.order { write(5, name) }
    write(6, nanoseconds: adoption.settleTime)
    write(7) { $0.write(adoption.policy) }
  }

  private mutating func write(_ key: RegistryKey) {
    write(1, key.name)
    write(2, key.generation)
  }

  private mutating func write(_ retention: RetentionPolicy) {
    write(1, retention.onFailure.rawValue)
    write(2, nanoseconds: retention.staleAfter)
    write(3, nanoseconds: retention.missingGrace)
    if let expect = retention.expect { write(4, nanoseconds: expect) }
  }

  private mutating func write(_ field: Int, _ error: RegistryError) {
    write(field) {
      $0.write(1, error.code.description)
      $0.write(2, error.message)
    }
  }

  private mutating func write(_ batch: RegistryIntake.Batch) {
    for update in batch.updates { write(4) { $0.write(update) } }
    for report in batch.reports {
      write(5) {
        $0.write(1, report.aspect.rawValue)
        $0.writeText(2, report.source.name)
        if let error = report.error { $0.write(3, error) }
      }
    }
    for source in batch.outages.beforeSnapshot.sorted() { write(6, source.name) }
    for source in batch.outages.open.sorted() { write(7, source.name) }
    if let address = batch.publicAddress { write(8, address.description) }
    if let awaited = batch.awaited {
      write(9) { for source in awaited.sorted() { $0.write(1, source.name) } }
    }
    write(10, batch.completesSync)
    for confirmation in batch.confirmations {
      write(11) {
        $0.write(1, confirmation.nodeID.text)
        $0.writeText(2, confirmation.source.name)
        $0.write(3, confirmation.confirmedAt)
      }
    }
  }

  private mutating func write(_ update: RegistryUpdate) {
    writeText(1, update.source.name)
    switch update {
    case .snapshot(let records, _, let absent):
      write(2) {
        for record in records { $0.write(1) { $0.write(record) } }
        if let absent { $0.write(2, absent.rawValue) }
      }
    case .upsert(let record, _): write(3) { $0.write(record) }
    case .remove(let nodeID, _, let reason):
      write(4) {
        $0.write(1, nodeID.text)
        $0.write(2, reason.rawValue)
      }
    case .sourceGone: write(5) { _ in }
    }
  }

  /// A duration; one of more than 292 years is cut to that.
  fileprivate mutating func write(_ field: Int, nanoseconds duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflows) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    write(field, isTooLong || overflows ? (seconds < 0 ? 0 : Int64.max) : sum)
  }
}

extension TaggedReader.Field {
  private typealias Malformed = TaggedReader.Malformed

  fileprivate func input() throws(TaggedReader.Malformed) -> TableInput {
    var fields = try fields()
    switch number {
    case 10: return .adopted(try adoption())
    case 11:
      var (saved, local): (SavedState?, NodeIdentity?)
      while let field = try fields.next() {
        if field.number == 1 { saved = try StateCoding.decode(Array(try field.bytes())) }
        if field.number == 2 { local = try StateCoding.identity(try field.text()) }
      }
      guard let saved else { throw TaggedReader.Malformed(what: "a state without content") }
      return .restored(saved, local: local)
    case 12:
      var (name, savedAt, count): (String, Timestamp?, Int) = ("", nil, 0)
      while let field = try fields.next() {
        if field.number == 1 { savedAt = try field.civilTime() }
        if field.number == 2 { count = Int(clamping: try field.unsigned()) }
        if field.number == 3 { name = try field.text() }
      }
      return .started(name, savedAt: savedAt, nodeCount: count)
    case 13:
      var record: AffiliateRecord?
      while let field = try fields.next() {
        // Before there were labels of one's own there was nothing but the affiliate.
        if field.number == 1 { record = AffiliateRecord(try field.affiliate()) }
        if field.number == 2 { record = try field.affiliateRecord() }
      }
      return .local(record)
    case 22:
      var name = ""
      while let field = try fields.next() { if field.number == 1 { name = try field.text() } }
      return .forgot(name)
    case 23: return .expired
    case 14...21: return try registryInput()
    default: throw .unknown("a change")
    }
  }

  /// What is of one registry.
  private func registryInput() throws(TaggedReader.Malformed) -> TableInput {
    var fields = try fields()
    let key = try fields.key()
    switch number {
    case 14:
      var isRestart = false
      while let field = try fields.next() { if field.number == 3 { isRestart = try field.bool() } }
      return .began(key, isRestart: isRestart)
    case 15:
      var (prefix, descriptor, leases): (String, RegistryDescriptor?, Bool?) = ("", nil, nil)
      while let field = try fields.next() {
        switch field.number {
        case 3: prefix = try field.name()
        case 4: descriptor = try field.descriptor()
        case 5: leases = try field.bool()
        default: break
        }
      }
      guard !prefix.isEmpty else { throw TaggedReader.Malformed(what: "a registry's prefix") }
      return .made(key, prefix: prefix, descriptor, leases: leases)
    case 16:
      var (batch, limit) = (RegistryIntake.Batch(), 0)
      while let field = try fields.next() {
        if field.number == 3 { limit = Int(clamping: try field.unsigned()) }
        try field.add(to: &batch)
      }
      return .applied(key, batch, nodeLimit: limit)
    case 17:
      var error: RegistryError?
      while let field = try fields.next() { if field.number == 3 { error = try field.error() } }
      return .failed(key, error ?? RegistryError(.failed, ""))
    case 18: return .stopped(key)
    case 19: return .readsPublications(key)
    case 20:
      var (revision, isWithdrawal, error): (UInt64, Bool, RegistryError?) = (0, false, nil)
      while let field = try fields.next() {
        switch field.number {
        case 3: revision = try field.unsigned()
        case 4: isWithdrawal = try field.bool()
        case 5: error = try field.error()
        default: break
        }
      }
      return .published(key, revision: revision, isWithdrawal: isWithdrawal, error)
    default: return .doesNotPublish(key)
    }
  }

  private func adoption() throws(TaggedReader.Malformed) -> TableAdoption {
    var adoption = TableAdoption()
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: adoption.gone.append(try field.name())
      case 2:
        let placed = try field.placed()
        adoption.kept.append((placed.key, placed.retention))
      case 3: adoption.placed.append(try field.placed())
      case 4: adoption.policy.precedence.append(try field.text())
      case 5: adoption.order.append(try field.text())
      case 6: adoption.settleTime = try field.length()
      case 7: try field.add(to: &adoption.policy)
      default: break
      }
    }
    return adoption
  }

  private func placed() throws(TaggedReader.Malformed) -> TableAdoption.Placed {
    var fields = try fields()
    let key = try fields.key()
    var placed = TableAdoption.Placed(
      key: key, prefix: key.name, disabled: nil, retention: RetentionPolicy(), hasRun: false)
    while let field = try fields.next() {
      switch field.number {
      case 3: placed.retention = try field.retention()
      case 4: placed.prefix = try field.name()
      case 5: placed.disabled = try field.text()
      case 6: placed.hasRun = try field.bool()
      default: break
      }
    }
    return placed
  }

  private func retention() throws(TaggedReader.Malformed) -> RetentionPolicy {
    var retention = RetentionPolicy()
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1:
        guard let action = RetentionPolicy.FailureAction(rawValue: try field.text()) else {
          throw .unknown("a way to keep records")
        }
        retention.onFailure = action
      case 2: retention.staleAfter = try field.length()
      case 3: retention.missingGrace = try field.length()
      case 4: retention.expect = try field.length()
      default: break
      }
    }
    return retention
  }

  private func descriptor() throws(TaggedReader.Malformed) -> RegistryDescriptor {
    var descriptor = RegistryDescriptor(name: "", version: "", summary: "")
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: descriptor.name = try field.text()
      case 2: descriptor.version = try field.text()
      case 3: descriptor.leases = try field.bool()
      case 4: descriptor.matching = try field.matching()
      default: break
      }
    }
    return descriptor
  }

  /// One that isn't known counts as any other failure.
  private func error() throws(TaggedReader.Malformed) -> RegistryError {
    let codes: [RegistryError.Code] = [
      .invalidArgument, .limitExceeded, .stopped, .unavailable, .permissionDenied, .unsupported,
      .deadlineExceeded, .failed,
    ]
    var (code, message) = (RegistryError.Code.failed, "")
    var fields = try fields()
    while let field = try fields.next() {
      if field.number == 1 {
        let text = try field.text()
        code = codes.first { $0.description == text } ?? .failed
      }
      if field.number == 2 { message = try field.text() }
    }
    return RegistryError(code, message)
  }

  // MARK: What a registry applied

  private func add(to batch: inout RegistryIntake.Batch) throws(TaggedReader.Malformed) {
    switch number {
    case 4: batch.updates.append(try update())
    case 5: batch.reports.append(try report())
    case 6, 7:
      let (source, outages) = (try source(), batch.outages)
      batch.outages = RegistryIntake.Outages(
        beforeSnapshot: number == 6 ? outages.beforeSnapshot.union([source]) : outages.beforeSnapshot,
        open: number == 7 ? outages.open.union([source]) : outages.open)
    case 8: batch.publicAddress = try parsed { try IPAddress($0) }
    case 9:
      var awaited: Set<RegistrySource> = []
      var fields = try fields()
      while let field = try fields.next() { if field.number == 1 { awaited.insert(try field.source()) } }
      batch.awaited = awaited
    case 10: batch.completesSync = try bool()
    case 11: batch.confirmations.append(try confirmation())
    default: break
    }
  }

  private func confirmation() throws(TaggedReader.Malformed) -> RegistryIntake.Confirmation {
    var (nodeID, source, time): (NodeIdentity?, RegistrySource, Timestamp?) = (nil, .only, nil)
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: nodeID = try StateCoding.identity(try field.text())
      case 2: source = try field.source()
      case 3: time = try field.time()
      default: break
      }
    }
    guard let nodeID, let time else { throw TaggedReader.Malformed(what: "a confirmation") }
    return RegistryIntake.Confirmation(nodeID: nodeID, source: source, confirmedAt: time)
  }

  private func report() throws(TaggedReader.Malformed) -> HealthReport {
    var report = HealthReport(.reading, nil)
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1:
        guard let aspect = HealthAspect(rawValue: try field.text()) else { throw .unknown("an aspect") }
        report.aspect = aspect
      case 2: report.source = try field.source()
      case 3: report.error = try field.error()
      default: break
      }
    }
    return report
  }

  private func update() throws(TaggedReader.Malformed) -> RegistryUpdate {
    var source = RegistrySource.only
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1: source = try field.source()
      case 2: return try field.snapshot(of: source)
      case 3: return .upsert(try field.affiliateRecord(), source: source)
      case 4:
        var (nodeID, reason): (NodeIdentity?, RemovalReason) = (nil, .removed)
        var fields = try field.fields()
        while let field = try fields.next() {
          if field.number == 1 { nodeID = try StateCoding.identity(try field.text()) }
          if field.number == 2 { reason = try field.removalReason() }
        }
        guard let nodeID else { throw TaggedReader.Malformed(what: "who was removed") }
        return .remove(nodeID, source: source, reason: reason)
      case 5: return .sourceGone(source)
      default: throw .unknown("an update")
      }
    }
    throw TaggedReader.Malformed(what: "an update without content")
  }

  private func snapshot(of source: RegistrySource) throws(TaggedReader.Malformed) -> RegistryUpdate {
    var records: [AffiliateRecord] = []
    var absent: RemovalReason?
    var seen: Set<NodeIdentity> = []
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1:
        let record = try field.affiliateRecord()
        guard seen.insert(record.affiliate.nodeID).inserted else {
          throw TaggedReader.Malformed(what: "a node that is in a snapshot twice")
        }
        records.append(record)
      case 2: absent = try field.removalReason()
      default: break
      }
    }
    return .snapshot(records, source: source, absent: absent)
  }

  private func removalReason() throws(TaggedReader.Malformed) -> RemovalReason {
    guard let reason = RemovalReason(rawValue: try text()) else { throw .unknown("a reason") }
    return reason
  }

  // MARK: Values

  private func source() throws(TaggedReader.Malformed) -> RegistrySource {
    try parsed { try RegistrySource($0) }
  }

  /// A registry's name, or what raw ids start with.
  fileprivate func name() throws(TaggedReader.Malformed) -> String {
    let text = try text()
    guard RegistryName.isWellFormed(text) else { throw TaggedReader.Malformed(what: "a registry's name") }
    return text
  }

  /// A duration that isn't negative.
  fileprivate func length() throws(TaggedReader.Malformed) -> Duration {
    let nanoseconds = try signed()
    guard nanoseconds >= 0 else { throw TaggedReader.Malformed(what: "a duration") }
    return .nanoseconds(nanoseconds)
  }

  /// A moment of a year with four digits.
  fileprivate func civilTime() throws(TaggedReader.Malformed) -> Timestamp {
    let time = try time()
    guard (-62_167_219_200_000..<253_402_300_800_000).contains(time.milliseconds) else {
      throw TaggedReader.Malformed(what: "a civil time")
    }
    return time
  }
}

extension TaggedReader {
  /// The registry that the first two fields name.
  fileprivate mutating func key() throws(Malformed) -> RegistryKey {
    guard let name = try next(), name.number == 1, let generation = try next(), generation.number == 2
    else { throw Malformed(what: "which registry it is") }
    return RegistryKey(name: try name.name(), generation: try generation.unsigned())
  }
}
