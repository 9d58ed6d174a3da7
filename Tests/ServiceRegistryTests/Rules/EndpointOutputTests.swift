import ClusterModel
import RegistryKit
import Testing

@testable import ServiceRegistry

@Suite("What a service's runner gives the session")
struct EndpointOutputTests {
  let recorder = Recorder()
  let output: EndpointOutput

  init() throws {
    let session = recorder.session(try TestSettings.context(), ContinuousClock())
    output = EndpointOutput(session, source: .only)
  }

  let away = RegistryError(.unavailable, "away")

  @Test("are reports that say something new")
  func reports() throws {
    try output.apply([], [.content: nil, .publishing: nil, .credentials: nil])
    #expect(recorder.state.batches == [])
    try output.apply([], [.reading: nil, .content: nil])
    for _ in 0..<3 { try output.apply([], [.reading: away, .publishing: nil]) }
    try output.apply([], [.reading: RegistryError(.failed, "away")])
    try output.apply([], [.reading: nil, .content: RegistryError(.failed, "junk")])
    #expect(
      recorder.state.batches == ["reading", "reading: away", "reading: away", "reading, content: junk"])
  }

  @Test("are updates with the reports that belong to them, in one batch")
  func together() throws {
    try output.apply([.snapshot([], source: .only)], [.reading: nil])
    try output.apply([.remove(try NodeIdentity("a"), source: .only, reason: .removed)])
    #expect(recorder.state.batches == ["snapshot, reading", "-a removed"])
  }

  @Test("are no more updates in a batch than a host takes, the reports with the last of them")
  func chunks() throws {
    let update = RegistryUpdate.remove(try NodeIdentity("a"), source: .only, reason: .removed)
    try output.apply(Array(repeating: update, count: 25_000), [.content: away])
    #expect(recorder.state.batches.map { $0.split(separator: ",").count } == [10_000, 10_000, 5_001])
    #expect(recorder.state.batches.last?.hasSuffix("content: away") == true)
  }

  @Test("are addresses that are new")
  func addresses() throws {
    for text in ["192.0.2.7", "192.0.2.7", "192.0.2.8"] { try output.publicAddress(try IPAddress(text)) }
    #expect(recorder.state.addresses.map(\.description) == ["192.0.2.7", "192.0.2.8"])
  }

  @Test("end the run where the session takes no more")
  func over() throws {
    let session = RegistrySession(context: try TestSettings.context()) { (_) throws(RegistryError) in
      throw RegistryError(.stopped, "enough")
    }
    let output = EndpointOutput(session, source: .only)
    let over = try #require(throws: SessionOver.self) { try output.apply([], [.reading: nil]) }
    #expect(over.error.code == .stopped)
  }
}
