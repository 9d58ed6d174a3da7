package import ClusterModel
package import RegistryKit

/// What a program prints that is run once: all that it knows.
package struct ProgramDocument: Sendable {
  /// The records of each source.
  package var records: [RegistrySource: [AffiliateRecord]] = [:]
  /// How it is, where it says so.
  package var reports: [HealthReport] = []
  /// What of it can't be used, each with its place.
  package var problems: [String] = []
  /// Whether a mistake hides nodes: what isn't in ``records`` may be there all the same.
  package var hidesNodes = false
  /// What it logs.
  package var log: [ProgramLine.Entry] = []
  /// Under which address whom it asks sees this node.
  package var publicAddress: IPAddress?

  package init(records: [AffiliateRecord]? = nil) {
    if let records { self.records[.only] = records }
  }

  /// The document that `output` is: lines of the protocol, or another form.
  ///
  /// - Parameters:
  ///   - takesLines: whether it may be lines.
  ///   - other: reads what isn't; nil: a list of nodes in JSON is taken, or an object with one as `nodes`.
  /// - Throws: where it is nothing that is known, or less than a whole.
  package static func read(
    _ output: [UInt8], takesLines: Bool = true,
    other: (([UInt8]) throws(RegistryError) -> ProgramDocument)? = nil
  ) throws(RegistryError) -> ProgramDocument {
    guard output.contains(where: { $0 > 0x20 }) else {
      throw RegistryError(
        .invalidArgument, "it printed nothing; to say that there are no nodes, print {\"snapshot\":[]}")
    }
    if takesLines, isOfLines(output) { return try lines(output) }
    if let other { return try other(output) }
    guard let nodes = ProgramLineReader(.program).readNodes(output) else {
      throw RegistryError(
        .invalidArgument, "what it printed is no document of nodes; print {\"snapshot\":[…]} on one line")
    }
    var document = ProgramDocument()
    try document.take(nodes, number: 1)
    return document
  }

  /// Whether the first line is an object with a key of the protocol.
  private static func isOfLines(_ output: [UInt8]) -> Bool {
    let start = output.firstIndex { $0 > 0x20 } ?? 0
    let line = output[start...].prefix { $0 != 0x0A }
    guard line.first == UInt8(ascii: "{") else { return false }
    let keys = ["snapshot", "updates", "upsert", "hello", "health", "degraded", "log", "sources", "failed"]
    let text = String(decoding: line.dropFirst().prefix(64), as: UTF8.self)
    let key = text.drop { $0 != "\"" }.dropFirst().prefix { $0 != "\"" }
    return keys.contains(String(key))
  }

  private static func lines(_ output: [UInt8]) throws(RegistryError) -> ProgramDocument {
    var document = ProgramDocument()
    var assembly = BatchAssembly()
    var failure: RegistryError?
    var number = 0
    var splitter = ProtocolLines()
    let reader = ProgramLineReader(.program)
    let take = { (line: ProtocolLines.Line) in
      number += 1
      guard failure == nil else { return }
      do throws(RegistryError) {
        guard case .whole(let bytes) = line else {
          throw RegistryError(.limitExceeded, "it has more than \(ProtocolLimits.lineBytes) bytes")
        }
        var read = try reader.read(bytes)
        read.batch = try assembly.take(read.batch, continues: read.continues) ?? RegistryBatch()
        try document.take(read, number: number)
      } catch {
        failure = RegistryError(error.code, "line \(number): \(error.message)", cause: error)
      }
    }
    splitter.take(output[...], take)
    splitter.finish(take)
    if let failure { throw failure }
    guard !assembly.isWithinBatch else {
      throw RegistryError(.invalidArgument, "it ends within a batch: its last line says that there is more")
    }
    return document
  }

  private mutating func take(_ line: ProgramLine, number: Int) throws(RegistryError) {
    if let failed = line.failed { throw failed }
    for update in line.batch.updates {
      switch update {
      case .snapshot(let list, let source, _): records[source] = list
      case .upsert(let record, let source):
        records[source, default: []].removeAll { $0.affiliate.nodeID == record.affiliate.nodeID }
        records[source, default: []].append(record)
      case .remove(let id, let source, _): records[source]?.removeAll { $0.affiliate.nodeID == id }
      case .sourceGone(let source): records[source] = nil
      }
    }
    reports += line.batch.reports
    log += line.log
    problems += line.problems.map { "line \(number): \($0)" }
    if line.hidesNodes { hidesNodes = true }
    if let address = line.batch.publicAddress { publicAddress = address }
  }
}
