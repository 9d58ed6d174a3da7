import ClusterModel
import Logging
import Platform
package import RegistryKit

/// Reads what a program says, line by line.
package struct ProgramLineReader: Sendable {
  /// Who writes the lines.
  package enum Writer: Sendable {
    /// A person's program: what is wrong of a line is left out and noted, the rest counts.
    case program
    /// A host of plugins, which says what a plugin says unchanged.
    case plugin
  }

  typealias Failure = JSONLexer.Failure

  private let writer: Writer
  private var records: RecordReader { RecordReader(writer: writer == .program ? .program : .plugin) }

  package init(_ writer: Writer) { self.writer = writer }

  /// What `line` says.
  ///
  /// - Parameter line: without its end.
  /// - Throws: where it isn't one JSON object, a ``RegistryError/Code/invalidArgument`` with the column.
  package func read(_ line: [UInt8]) throws(RegistryError) -> ProgramLine {
    try LineText.check(line)
    do throws(Failure) {
      var values = ValueReader(line)
      values.allowsControls = writer == .plugin
      var result = ProgramLine()
      values.lexer.skipBlanks()
      guard values.lexer.current == UInt8(ascii: "{") else {
        throw values.lexer.failure("a line must be a JSON object such as {\"snapshot\":[]}")
      }
      var update = UpdateReader(records: records)
      try values.object("a line") { (values, key) throws(Failure) in
        if try !update.read(key, &values) { try read(key, &values, into: &result) }
      }
      update.finish(into: &result.batch.updates, &values)
      values.lexer.skipBlanks()
      guard values.lexer.current == nil else {
        throw values.lexer.failure(
          "the JSON object is followed by something else; each has a line of its own")
      }
      result.problems = values.allProblems
      result.hidesNodes = values.hidesNodes
      return result
    } catch {
      throw LineText.error(error, in: line)
    }
  }

  /// The nodes of a document: a list of records, or an object with one as `nodes`, as a line with a snapshot.
  ///
  /// - Returns: nil where `document` isn't JSON of that form.
  package func readNodes(_ document: [UInt8]) -> ProgramLine? {
    guard (try? LineText.check(document)) != nil else { return nil }
    do throws(Failure) {
      var values = ValueReader(document)
      values.lexer.skipBlanks()
      var found: [AffiliateRecord]?
      switch values.lexer.current {
      case UInt8(ascii: "["):
        found = try UpdateReader.wholeList(&values, "nodes", records)
      case UInt8(ascii: "{"):
        try values.object("a document") { (values, key) throws(Failure) in
          if key == "nodes" {
            found = try UpdateReader.wholeList(&values, "nodes", records)
          } else {
            try values.lexer.skipValue()
          }
        }
      default: return nil
      }
      values.lexer.skipBlanks()
      guard values.lexer.current == nil, let found else { return nil }
      let unique = UpdateReader.unique(found, "nodes", &values)
      var result = ProgramLine()
      result.batch.updates = [.snapshot(unique, source: .only)]
      result.problems = values.allProblems
      result.hidesNodes = values.hidesNodes
      return result
    } catch {
      return nil
    }
  }

  private func read(_ key: String, _ values: inout ValueReader, into line: inout ProgramLine) throws(Failure)
  {
    switch key {
    case "updates":
      let limit = ProtocolLimits.boundary.updates
      try values.items(key, limit: limit) { (values, _) throws(Failure) in
        var update = UpdateReader(records: records)
        try values.object("an update") { (values, key) throws(Failure) in
          if try !update.read(key, &values) { try values.lexer.skipValue() }
        }
        update.finish(into: &line.batch.updates, &values)
      }
    case "health":
      try values.items(key, limit: ProtocolLimits.boundary.reports) { (values, _) throws(Failure) in
        if let report = try HealthReader.report(&values) { line.batch.reports.append(report) }
      }
    case "degraded": line.batch.reports.append(try HealthReader.degraded(&values))
    case "sources":
      var sources: [RegistrySource] = []
      try values.items(key, limit: RegistrySource.maximumCount) { (values, index) throws(Failure) in
        if let source = try values.source("sources[\(index)]") { sources.append(source) }
      }
      line.batch.expectedSources = sources
    case "publicAddress":
      line.batch.publicAddress = try values.value(key) { (text) throws(ModelError) in try IPAddress(text) }
    case "published":
      var outcome = ProgramLine.Outcome(revision: 0, error: nil)
      try values.object(key) { (values, key) throws(Failure) in
        switch key {
        case "revision": outcome.revision = try values.integer("published.revision", in: 0...UInt64.max) ?? 0
        case "error": outcome.error = try HealthReader.error(&values, "published.error")
        default: try values.lexer.skipValue()
        }
      }
      line.outcomes.append(outcome)
    case "log":
      try values.items(key, limit: 1000) { (values, _) throws(Failure) in
        if let entry = try HealthReader.entry(&values) { line.log.append(entry) }
      }
    case "failed":
      line.failed =
        try HealthReader.error(&values, key) ?? RegistryError(.failed, "the program doesn't say why")
    case "hello": line.hello = try HelloReader.read(&values)
    case "more": line.continues = try values.bool(key) ?? false
    default: try values.lexer.skipValue()
    }
  }
}

/// Whether bytes are text, and where in a line a mistake is.
enum LineText {
  static func check(_ line: [UInt8]) throws(RegistryError) {
    let isPlain = line.withUnsafeBufferPointer { bytes in bytes.allSatisfy { $0 < 0x80 } }
    guard isPlain || String(validating: line, as: UTF8.self) != nil else {
      throw RegistryError(.invalidArgument, "it isn't UTF-8")
    }
  }

  static func error(_ failure: JSONLexer.Failure, in line: [UInt8]) -> RegistryError {
    let place = TextPlace(of: failure.beginning ?? failure.offset, in: line)
    let message = failure.beginning == nil ? failure.message : failure.message + " that begins here"
    return RegistryError(.invalidArgument, "column \(place.column): \(message)")
  }
}

extension ValueReader {
  mutating func source(_ name: String) throws(Failure) -> RegistrySource? {
    try value(name) { (text) throws(ModelError) in try RegistrySource(text) }
  }
}

/// One update of one source: collects the keys of its object, in whatever order they are.
struct UpdateReader {
  typealias Failure = JSONLexer.Failure

  let records: RecordReader
  private var snapshot: [AffiliateRecord]?
  private var upserts: [AffiliateRecord] = []
  private var removals: [NodeIdentity] = []
  private var gone: RegistrySource?
  private var source = RegistrySource.only
  private var isMisnamed = false
  private var absent: RemovalReason?
  private var reason: RemovalReason?

  init(records: RecordReader) { self.records = records }

  /// Reads the value of `key`, where that is one of an update's.
  mutating func read(_ key: String, _ values: inout ValueReader) throws(Failure) -> Bool {
    switch key {
    case "snapshot": snapshot = try Self.wholeList(&values, "snapshot", records)
    case "upsert": upserts = try Self.list(&values, "upsert", records)
    case "remove":
      try values.items(key, limit: ProtocolLimits.boundary.nodes) { (values, index) throws(Failure) in
        if let id = try Self.removed(&values, "remove[\(index)]") { removals.append(id) }
      }
    case "sourceGone": gone = try values.source(key)
    case "source":
      let problems = values.problems.count
      source = try values.source(key) ?? .only
      isMisnamed = values.problems.count != problems
    case "absent": absent = try Self.reason(&values, key)
    case "reason": reason = try Self.reason(&values, key)
    default: return false
    }
    return true
  }

  /// Adds what was read to `updates`.
  func finish(into updates: inout [RegistryUpdate], _ values: inout ValueReader) {
    // What is whose isn't known: nothing is taken for another source's.
    guard !isMisnamed else { return }
    if let snapshot {
      let unique = records.writer == .program ? Self.unique(snapshot, "snapshot", &values) : snapshot
      updates.append(.snapshot(unique, source: source, absent: absent))
    }
    for record in upserts { updates.append(.upsert(record, source: source)) }
    for id in removals { updates.append(.remove(id, source: source, reason: reason ?? .removed)) }
    if let gone { updates.append(.sourceGone(gone)) }
  }

  /// All records that there are; nil, with a note, where it is no list: nothing else says that there are none.
  static func wholeList(
    _ values: inout ValueReader, _ name: StaticString, _ records: RecordReader
  ) throws(Failure) -> [AffiliateRecord]? {
    guard values.lexer.current != UInt8(ascii: "[") else { return try list(&values, name, records) }
    values.note("\(name) must be a list of nodes, which may be empty")
    try values.lexer.skipValue()
    return nil
  }

  static func list(
    _ values: inout ValueReader, _ name: StaticString, _ records: RecordReader
  ) throws(Failure) -> [AffiliateRecord] {
    var list: [AffiliateRecord] = []
    try values.items("\(name)", limit: ProtocolLimits.boundary.nodes) { (values, index) throws(Failure) in
      if let record = try records.read(&values, in: name, at: index) {
        list.append(record)
      } else {
        values.hidesNodes = true
      }
    }
    return list
  }

  /// Each node once: the last record of it counts.
  static func unique(
    _ list: [AffiliateRecord], _ name: String, _ values: inout ValueReader
  ) -> [AffiliateRecord] {
    var places = [NodeIdentity: Int](minimumCapacity: list.count)
    var result: [AffiliateRecord] = []
    result.reserveCapacity(list.count)
    for record in list {
      let id = record.affiliate.nodeID
      if let place = places[id] {
        if result[place] != record {
          values.note("\(name): node \(quoted(id.text)) is there twice; the last counts")
        }
        result[place] = record
      } else {
        places[id] = result.count
        result.append(record)
      }
    }
    return result
  }

  /// The id of a record that is to go: as text, or in an object as records have it.
  private static func removed(_ values: inout ValueReader, _ name: String) throws(Failure) -> NodeIdentity? {
    var id: String?
    if values.lexer.current == UInt8(ascii: "{") {
      var names: [String: String] = [:]
      try values.object(name) { (values, key) throws(Failure) in
        switch key {
        case "nodeId", "id", "nodename", "hostname": names[key] = try values.text("\(name).\(key)")
        default: try values.lexer.skipValue()
        }
      }
      id = names["nodeId"] ?? names["id"] ?? names["nodename"] ?? names["hostname"]
    } else {
      id = try values.text(name)
    }
    guard let id else { return nil }
    do throws(ModelError) { return try NodeIdentity(id) } catch {
      values.note("\(name): \(error)")
      return nil
    }
  }

  private static func reason(_ values: inout ValueReader, _ name: String) throws(Failure) -> RemovalReason? {
    // One that isn't known counts as none, as later versions may have more.
    try values.text(name).flatMap(RemovalReason.init(rawValue:))
  }
}
