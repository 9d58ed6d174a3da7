import ClusterModel
import DiscoveryProtocol
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("Answers with fields that nobody knows, or without ours", .timeLimit(.minutes(3)))
struct UnknownAnswerTests {
  /// A varint, bytes, eight and four bytes, below 1000 and above.
  private static let unknown: [UInt8] = [
    0x78, 0x96, 0x01, 0xA2, 0x38, 2, 0xCA, 0xFE, 0x81, 0x7D, 1, 2, 3, 4, 5, 6, 7, 8, 0xD5, 0x3E, 1, 2, 3, 4,
  ]

  /// The answer with such fields in front, behind, and in its affiliates.
  private func bytes(_ answer: WireWatchResponse) throws -> [UInt8] {
    var answer = answer
    answer.affiliates = try answer.affiliates.map {
      try WireAffiliate(serializedBytes: try $0.serializedBytes() + Self.unknown)
    }
    return try Self.unknown + answer.serializedBytes() + Self.unknown
  }

  @Test("are read as if those weren't there: nodes, why they went and when they were renewed")
  func read() async throws {
    let cluster = try Cluster()
    var wires = try ["a", "b", "c"].map { try cluster.wire($0) }
    wires[2].lastUpdate = .init(seconds: 1_700_000_000)
    var expired = Cluster.gone("a", .expired)
    expired.lastUpdate = .init(seconds: 1_700_000_900)
    let service = BytesService(
      hello: Self.unknown,
      watch: [
        try bytes(.with { $0.affiliates = wires }), try bytes(expired),
        // As a service that doesn't know our fields writes it.
        try Cluster.gone("b").serializedBytes(),
        try bytes(Cluster.gone("c", .withdrawn)),
      ])
    try await withServer([service]) { port in
      let recorder = SessionRecorder()
      let registry = try LiveServiceTests.registry(ServiceOptions(endpoint: "http://127.0.0.1:\(port)"))
      try await running(registry, recorder) {
        try await eventually("all have gone") { recorder.removed.count >= 3 }
      }
      #expect(recorder.removed.prefix(3) == ["remove a expired", "remove b removed", "remove c withdrawn"])
      #expect(recorder.status == "" || !recorder.status.contains("can't be used"))
      var confirmed: [String: [Int64?]] = [:]
      for case .upsert(let record, _) in recorder.now.updates {
        confirmed[record.affiliate.nodeID.text, default: []].append(record.confirmedAt?.milliseconds)
      }
      #expect(confirmed["a"]?.first == 1_700_000_900_000)
      guard case .snapshot(let records, _, _) = try #require(recorder.now.updates.first) else {
        Issue.record("no snapshot")
        return
      }
      #expect(records.map(\.confirmedAt?.milliseconds) == [nil, nil, 1_700_000_000_000])
    }
  }
}
