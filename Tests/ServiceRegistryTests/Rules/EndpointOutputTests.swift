import ClusterModel
import RegistryKit
import RegistryTestSupport
import Synchronization
import Testing

@testable import ServiceRegistry

@Suite("What a service's runner gives the session")
struct EndpointOutputTests {
  private let given: Given
  private let output: EndpointOutput

  init() throws {
    let given = Given()
    self.given = given
    let session = RegistrySession(context: try TestSettings.context()) { given.add($0) }
    output = EndpointOutput(session, source: .only)
  }

  private final class Given: Sendable {
    private let mutex = Mutex<[RegistryBatch]>([])
    var batches: [RegistryBatch] { mutex.withLock { $0 } }
    func add(_ batch: RegistryBatch) { mutex.withLock { $0.append(batch) } }
  }

  let away = RegistryError(.unavailable, "away")

  @Test("are reports that say something new")
  func reports() throws {
    try output.report([.content: nil, .publishing: nil, .credentials: nil])
    #expect(given.batches == [])
    try output.report([.reading: nil, .content: nil])
    for _ in 0..<3 { try output.report([.reading: away, .publishing: nil]) }
    try output.report([.reading: RegistryError(.failed, "away")])
    try output.report([.reading: nil, .content: RegistryError(.failed, "junk")])
    #expect(
      given.batches.map(\.text) == ["reading", "reading: away", "reading: away", "reading, content: junk"])
  }

  @Test("are updates with the reports that belong to them, in one batch")
  func together() throws {
    try output.apply([.snapshot([], source: .only)], [.reading: nil])
    try output.apply([.remove(try NodeIdentity("a"), source: .only, reason: .removed)], [:])
    #expect(given.batches.map(\.text) == ["snapshot, reading", "remove a removed"])
  }

  @Test("are no more updates in a batch than a host takes, the reports with the last of them")
  func chunks() throws {
    let update = RegistryUpdate.remove(try NodeIdentity("a"), source: .only, reason: .removed)
    try output.apply(Array(repeating: update, count: 25_000), [.content: away])
    #expect(given.batches.map(\.updates.count) == [10_000, 10_000, 5_000])
    #expect(given.batches.map(\.reports.count) == [0, 0, 1])
  }

  @Test("are addresses that are new")
  func addresses() throws {
    for text in ["192.0.2.7", "192.0.2.7", "192.0.2.8"] { try output.publicAddress(try IPAddress(text)) }
    #expect(given.batches.map(\.publicAddress?.description) == ["192.0.2.7", "192.0.2.8"])
  }

  @Test("end the run where the session takes no more")
  func over() throws {
    let session = RegistrySession(context: try TestSettings.context()) { (_) throws(RegistryError) in
      throw RegistryError(.stopped, "enough")
    }
    let output = EndpointOutput(session, source: .only)
    let over = try #require(throws: SessionOver.self) { try output.report([.reading: nil]) }
    #expect(over.error.code == .stopped)
  }
}
