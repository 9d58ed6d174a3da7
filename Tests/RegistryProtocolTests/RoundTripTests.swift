import ClusterModel
import RegistryKit
import RegistryTestSupport
import Testing

@testable import RegistryProtocol

/// What plugins say crosses unchanged.
@Suite struct RoundTripTests {
  /// The batches that a host reads of what is written for `batches`, through a pipe that cuts anywhere.
  private func read(_ batches: [RegistryBatch], pieces: Int = 1000) throws -> [RegistryBatch] {
    var bytes: [UInt8] = []
    for batch in batches { ProgramLineWriter.write(batch) { bytes += $0 } }
    var splitter = ProtocolLines()
    var assembly = BatchAssembly()
    var result: [RegistryBatch] = []
    let reader = ProgramLineReader(.plugin)
    var rest = bytes[...]
    while !rest.isEmpty {
      try splitter.take(rest.prefix(pieces)) { line in
        guard case .whole(let bytes) = line else { throw RegistryError(.limitExceeded, "too long") }
        let read = try reader.read(bytes)
        #expect(read.problems == [])
        if let batch = try assembly.take(read.batch, continues: read.continues) { result.append(batch) }
      }
      rest = rest.dropFirst(pieces)
    }
    #expect(!splitter.isWithinLine && !assembly.isWithinBatch)
    return result
  }

  /// Without snapshots that another one of the same source replaces at once.
  private func normal(_ batch: RegistryBatch) -> RegistryBatch {
    var batch = batch
    batch.updates = batch.updates.indices.filter { index in
      guard index + 1 < batch.updates.count, case .snapshot(_, let source, _) = batch.updates[index],
        case .snapshot(_, source, _) = batch.updates[index + 1]
      else { return true }
      return false
    }.map { batch.updates[$0] }
    return batch
  }

  @Test("random batches come out as they went in", arguments: 0..<40)
  func batches(seed: UInt64) throws {
    let batches = try RandomBatches.batches(seed: seed).map { normal($0) }.filter { !$0.isEmpty }
    #expect(try read(batches, pieces: 1 + Int(seed) * 97) == batches)
  }

  @Test("a snapshot of many nodes is cut into lines, and is one batch")
  func manyNodes() throws {
    let records = try (0..<5000).map {
      AffiliateRecord(Affiliate(nodeID: try NodeIdentity("n\($0)"), hostname: "host-\($0)"))
    }
    let batch = RegistryBatch(updates: [.snapshot(records, source: .only)], reports: [.init(.reading, nil)])
    var lines = 0
    ProgramLineWriter.write(batch) { _ in lines += 1 }
    #expect(lines > 1)
    #expect(try read([batch]) == [batch])
  }

  @Test("what a node is to have published comes out as it went in")
  func publications() throws {
    let id = try NodeIdentity("n1")
    let publication = Publication(
      local: Affiliate(nodeID: id, addresses: [try IPAddress("10.0.0.1")], nodename: "w-1"),
      seenEndpoints: [try NodeIdentity("n2"): [try IPEndpoint("[fd00::2]:51820")]],
      labels: try NodeLabels(["rack": "r1"]), machineID: "0123456789abcdef0123456789abcdef")
    for desired in [
      DesiredPublication(revision: 7, publication: publication),
      DesiredPublication(revision: .max, publication: nil),
    ] {
      let line = HostLineWriter.publish(desired)
      guard case .publish(let read) = try HostLineReader.read(Array(line.dropLast())) else {
        Issue.record("it isn't a publication")
        continue
      }
      #expect(read == desired)
    }
  }

  @Test("settings come out as they went in, options as they are written")
  func settings() throws {
    var settings = ProgramSettings()
    settings.name = "rack"
    settings.options = #"{"url":"https://h/?a=\"b\"","n":1.50,"nested":{"list":[1,null,true]}}"#
    settings.host = .rollcall
    settings.localNodeID = try NodeIdentity("n1")
    settings.clusterID = "a\u{1}b"
    settings.baseDirectory = "/etc/röll \"call\""
    settings.staleAfter = .seconds(300)
    settings.logLevel = .debug
    guard
      case .settings(let read) = try HostLineReader.read(Array(HostLineWriter.settings(settings).dropLast()))
    else { throw RegistryError(.failed, "no settings") }
    #expect(read == settings)
  }

  @Test("the outcome of a publication, the end, a log line and what a plugin is come out as they went in")
  func others() throws {
    let reader = ProgramLineReader(.plugin)
    func read(_ line: [UInt8]) throws -> ProgramLine { try reader.read(Array(line.dropLast())) }
    let error = RegistryError(.permissionDenied, "no \"access\"\\")
    #expect(try read(ProgramLineWriter.published(3, nil)).outcomes == [.init(revision: 3, error: nil)])
    #expect(
      try read(ProgramLineWriter.published(.max, error)).outcomes == [.init(revision: .max, error: error)])
    #expect(try read(ProgramLineWriter.failed(error)).failed == error)
    #expect(try read(ProgramLineWriter.log(.error, "a ü")).log == [.init(level: .error, message: "a ü")])
    let plugin = RegistryDescriptor(
      name: "rack", version: "1", prefix: "r", summary: "A rack.", optionsSchema: #"{"type":"object"}"#,
      publishes: true, leases: true,
      matching: RegistryMatching(
        keys: [try MatchKey("hostname: short"), try MatchKey("label:a")], alone: .affiliate),
      wantsClusterSecret: true)
    let hello = ProgramDescription(publishes: true, plugin: plugin)
    #expect(try read(ProgramLineWriter.hello(hello)).hello == hello)
  }
}
