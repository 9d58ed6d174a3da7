import ClusterModel
import RegistryKit
import Testing

@testable import Rollcall

@Suite("A registry's mailbox")
struct MailboxTests {
  private func record(_ number: Int, hostname: String = "") throws -> AffiliateRecord {
    AffiliateRecord(Affiliate(nodeID: try NodeIdentity("node-\(number)"), hostname: hostname))
  }

  @Test("a million updates of a thousand nodes are kept as a thousand, the newest of each")
  func coalesces() throws {
    let mailbox = Mailbox()
    try mailbox.send(.update(.snapshot([], source: .only)))
    let early = try (0..<1000).map { try record($0) }
    let late = try (0..<1000).map { try record($0, hostname: "late") }
    for round in 0..<1000 {
      for record in round < 999 ? early : late { try mailbox.send(.update(.upsert(record, source: .only))) }
    }
    let source = try #require(mailbox.take()?.sources.first)
    #expect(source.base == .snapshot([]))
    #expect(source.changes == late.map { .upsert($0) })
    #expect(mailbox.take() == nil)
  }

  @Test("a removal after an upsert is what counts, and the other way round")
  func newestOfEachNode() throws {
    let mailbox = Mailbox()
    let (one, two) = (try record(1), try record(2))
    try mailbox.send(.update(.snapshot([], source: .only)))
    try mailbox.send(.update(.upsert(one, source: .only)))
    try mailbox.send(.update(.remove(two.affiliate.nodeID, source: .only)))
    try mailbox.send(.update(.remove(one.affiliate.nodeID, source: .only)))
    try mailbox.send(.update(.upsert(two, source: .only)))
    #expect(mailbox.take()?.sources.first?.changes == [.remove(one.affiliate.nodeID), .upsert(two)])
  }

  @Test("a snapshot replaces what its source told before, and not what others told")
  func snapshotReplaces() throws {
    let mailbox = Mailbox()
    let other = try RegistrySource("other")
    for source in [RegistrySource.only, other] {
      try mailbox.send(.update(.snapshot([], source: source)))
      try mailbox.send(.update(.upsert(try record(1), source: source)))
    }
    try mailbox.send(.update(.snapshot([try record(2)], source: .only)))
    let batch = try #require(mailbox.take())
    #expect(batch.sources.map(\.source) == [.only, other])
    #expect(batch.sources[0].base == .snapshot([try record(2)]))
    #expect(batch.sources[0].changes.isEmpty)
    #expect(batch.sources[1].changes == [.upsert(try record(1))])
  }

  @Test("a change before a source's first snapshot is refused and ends the run")
  func snapshotFirst() throws {
    let mailbox = Mailbox()
    let error = #expect(throws: RegistryError.self) {
      try mailbox.send(.update(.upsert(try record(7), source: try RegistrySource("eu"))))
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "source 'eu' told a change of node 'node-7' before its first snapshot")
    #expect(mailbox.end == error)
    #expect(throws: RegistryError.self) { try mailbox.send(.healthy) }
  }

  @Test("a source that is gone has to start with a snapshot again")
  func sourceGone() throws {
    let mailbox = Mailbox()
    try mailbox.send(.update(.snapshot([try record(1)], source: .only)))
    try mailbox.send(.update(.sourceGone(.only)))
    #expect(mailbox.take()?.sources.first?.base == .gone)
    #expect(throws: RegistryError.self) {
      try mailbox.send(.update(.remove(try NodeIdentity("node-1"), source: .only)))
    }
  }

  @Test("more nodes or sources than a registry may have end the run", arguments: [true, false])
  func limits(nodes: Bool) throws {
    let mailbox = Mailbox(limits: Mailbox.Limits(nodes: 2, sources: 2))
    let error = #expect(throws: RegistryError.self) {
      if nodes {
        try mailbox.send(.update(.snapshot([], source: .only)))
        for number in 0..<3 { try mailbox.send(.update(.upsert(try record(number), source: .only))) }
      } else {
        for name in ["a", "b", "c"] {
          try mailbox.send(.update(.snapshot([], source: try RegistrySource(name))))
        }
      }
    }
    #expect(error?.code == .limitExceeded)
  }

  @Test("sources that come and go faster than they are taken in stay bounded")
  func sourcesInARow() throws {
    let mailbox = Mailbox(limits: Mailbox.Limits(nodes: 10, sources: 2))
    let error = #expect(throws: RegistryError.self) {
      for number in 0..<100 {
        let source = try RegistrySource("s\(number)")
        try mailbox.send(.update(.snapshot([], source: source)))
        try mailbox.send(.update(.sourceGone(source)))
      }
    }
    #expect(error?.code == .limitExceeded)
  }

  @Test("a snapshot with a node in it twice is refused, the node named")
  func duplicates() throws {
    let error = #expect(throws: RegistryError.self) {
      try Mailbox().send(.update(.snapshot([try record(1), try record(2), try record(1)], source: .only)))
    }
    #expect(error?.message == "node 'node-1' is in a snapshot twice; each may be in it once")
  }

  private func sources(_ names: [String]) throws -> [RegistrySource] {
    try names.map { try RegistrySource($0) }
  }

  @Test("without names the first snapshot is what completes the sync, once")
  func unnamedSources() throws {
    let mailbox = Mailbox()
    try mailbox.send(.healthy)
    #expect(mailbox.take()?.completesSync == false)
    try mailbox.send(.update(.snapshot([], source: .only)))
    #expect(mailbox.take()?.completesSync == true)
    try mailbox.send(.update(.snapshot([], source: .only)))
    #expect(mailbox.take()?.completesSync == false)
  }

  @Test("a registry that named its sources is in sync with the last one's snapshot or end, batch by batch")
  func namedSources() throws {
    let mailbox = Mailbox()
    let all = try sources(["a", "b", "c"])
    try mailbox.send(.sources(all + all))
    #expect(mailbox.take() == nil)
    for (event, completes) in [
      (RegistryEvent.update(.snapshot([], source: all[0])), false),
      (.update(.snapshot([], source: all[0])), false),
      (.update(.snapshot([], source: try RegistrySource("other"))), false),
      (.update(.snapshot([], source: all[2])), false), (.update(.sourceGone(all[1])), true),
    ] {
      try mailbox.send(event)
      #expect((mailbox.take()?.completesSync ?? false) == completes, "\(event)")
    }
  }

  @Test("names and snapshots that are taken in together complete the sync at once")
  func namedInOneBatch() throws {
    let mailbox = Mailbox()
    let all = try sources(["a", "b"])
    try mailbox.send(.sources(all))
    for source in all { try mailbox.send(.update(.snapshot([], source: source))) }
    let batch = try #require(mailbox.take())
    #expect(batch.completesSync)
    #expect(batch.sources.map(\.source) == all)
  }

  @Test("no names after some: nothing is awaited any more")
  func namesTakenBack() throws {
    let mailbox = Mailbox()
    let all = try sources(["a", "b"])
    try mailbox.send(.sources(all))
    try mailbox.send(.update(.snapshot([], source: all[0])))
    #expect(mailbox.take()?.completesSync == false)
    try mailbox.send(.sources([]))
    #expect(mailbox.take()?.completesSync == true)
    #expect(mailbox.take() == nil)
  }

  @Test("sources that all end before they told anything don't make a sync")
  func allGone() throws {
    let mailbox = Mailbox()
    try mailbox.send(.sources([.only]))
    try mailbox.send(.update(.sourceGone(.only)))
    #expect(mailbox.take() == nil)
  }

  @Test("more names than a registry may have sources end the run")
  func tooManyNames() throws {
    let mailbox = Mailbox()
    let names = try sources((0...64).map { "s\($0)" })
    try mailbox.send(.sources(Array(names.dropLast())))
    let error = #expect(throws: RegistryError.self) { try mailbox.send(.sources(names)) }
    #expect(
      error == RegistryError(.limitExceeded, "65 sources are more than the 64 that a registry may have"))
    #expect(mailbox.end == error)
  }

  @Test("who tells something after the end is told that it has been stopped")
  func closed() throws {
    let mailbox = Mailbox()
    mailbox.close()
    let error = #expect(throws: RegistryError.self) { try mailbox.send(.healthy) }
    #expect(error?.code == .stopped)
    #expect(mailbox.take() == nil)
  }
}
