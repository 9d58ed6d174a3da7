import DiscoveryProtocol
import Foundation
import SwiftProtobuf
import TestSupport
import Testing

/// `rollcall serve` with a state that takes a while to write, and snapshots one after the other.
@Suite("kill -9 while a large state is written", .serialized, .timeLimit(.minutes(5)))
struct KilledInSnapshotTests {
  private static let clusters = 100
  private static let affiliates = 1000

  /// What an affiliate of that place has as its data.
  private static func data(_ cluster: Int, _ affiliate: Int) -> Data {
    Data("sealed data of the affiliate \(affiliate) in the cluster \(cluster)".utf8)
  }

  /// A state of 100,000 affiliates, as the existing service writes it.
  private static func state() -> StoredStateSnapshot {
    .with { state in
      state.clusters = (0..<clusters).map { cluster in
        .with { stored in
          stored.id = "c\(cluster)"
          stored.affiliates = (0..<affiliates).map { affiliate in
            .with {
              $0.id = "a\(affiliate)"
              $0.data = data(cluster, affiliate)
              $0.ttl = .with { $0.seconds = 1800 }
            }
          }
        }
      }
    }
  }

  /// The mark in the file at `path`, once all else in it has been found to be whole.
  private func check(_ path: String) throws -> Int {
    let state = try StoredStateSnapshot(serializedBytes: try Data(contentsOf: URL(fileURLWithPath: path)))
    var mark: Int?
    var whole = 0
    for cluster in state.clusters {
      guard cluster.id != "mark" else {
        mark = cluster.affiliates.first.flatMap { Int(String(decoding: $0.data, as: UTF8.self)) }
        continue
      }
      guard let number = Int(cluster.id.dropFirst()) else { continue }
      whole += cluster.affiliates.count {
        Int($0.id.dropFirst()).map { Self.data(number, $0) } == $0.data && $0.ttl.seconds > 0
      }
    }
    #expect(whole == Self.clusters * Self.affiliates)
    return mark ?? 0
  }

  /// What changes the state: an affiliate whose data is `mark`, behind so many zeros.
  private func change(_ mark: Int, zeros: Int = 0) -> WireAffiliateUpdateRequest {
    .with {
      $0.clusterID = "mark"
      $0.affiliateID = "mark"
      $0.affiliateData = Data((String(repeating: "0", count: zeros) + "\(mark)").utf8)
      $0.ttl.seconds = 1800
    }
  }

  private func size(_ path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? nil
  }

  @Test("leaves the former snapshot or the newer one, whole, and never more than one unfinished file")
  func killed() async throws {
    let cluster = try await ProcessCluster()
    let folder = try TemporaryFolder()
    let file = folder.path("state")
    try (try Self.state().serializedBytes() as Data).write(to: URL(fileURLWithPath: file))
    /// What was written of a snapshot that is at no end yet.
    @Sendable func drafts() -> [String] {
      folder.names.filter { $0.hasPrefix(".state.") && $0.hasSuffix(".tmp") }
    }
    @Sendable func draftSize() -> Int { drafts().first.flatMap { size(folder.path($0)) } ?? -1 }
    let options = ["--snapshot-path", file, "--snapshot-interval", "1ms", "--rate-limit", "0"]

    let clock = ContinuousClock()
    let end = clock.now + .seconds(20)
    var (round, before, unfinished) = (0, 0, 0)
    while round < 4 || clock.now < end {
      round += 1
      let service = try await cluster.serve(options)
      let restored = Self.clusters * Self.affiliates + (before > 0 ? 1 : 0)
      #expect(service.logged("restored a snapshot").first?.contains("affiliates=\(restored)") == true)
      try await cluster.tell(change(round))
      // At a random moment of a write.
      let reached = Int.random(in: 0...(size(file) ?? 0))
      // Each look may miss a write that is over already; a change makes one more.
      var zeros = 0
      try await eventually("a write has come to byte \(reached)") {
        if draftSize() >= reached { return true }
        zeros = (zeros + 1) % 2
        try await cluster.tell(change(round, zeros: zeros))
        return draftSize() >= reached
      }
      service.signal(SIGKILL)
      #expect(try await service.result().status == -SIGKILL)
      if !drafts().isEmpty { unfinished += 1 }
      #expect(drafts().count <= 1)
      #expect(Set(folder.names).subtracting(drafts()) == ["state", "state.lock"])
      #expect(service.logged("error").isEmpty, "\(service.errorsSoFar)")
      let mark = try check(file)
      #expect(mark == before || mark == round, "round \(round) after \(before)")
      before = mark
    }
    #expect(unfinished > 0, "no kill came while a snapshot was written")

    // One that ends in good order has the last word, and clears up.
    let service = try await cluster.serve(options)
    try await cluster.tell(change(-1))
    service.signal(SIGTERM)
    #expect(try await service.result().status == 0)
    #expect(try check(file) == -1)
    #expect(folder.names.sorted() == ["state", "state.lock"])
  }
}
