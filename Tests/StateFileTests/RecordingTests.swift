import AffiliateMerge
import ClusterModel
import Foundation
import Lifecycle
import Platform
import RegistryKit
import Rollcall
import TestSupport
import Testing

@testable import StateFile

/// Inputs of every kind, with whatever they may hold.
private func inputs() throws -> [TableInput] {
  let key = RegistryKey(name: "rack", generation: 7)
  let eu = try RegistrySource("eu")
  let node = try NodeIdentity("n1")
  let affiliate = Affiliate(
    nodeID: node, addresses: [try IPAddress("10.0.0.1"), try IPAddress("fd00::1")], hostname: "host",
    nodename: "one", operatingSystem: "Talos", machineType: .worker,
    kubeSpan: KubeSpanAffiliate(
      publicKey: "key", address: try IPAddress("fd00::2"), endpoints: [try IPEndpoint("10.0.0.1:51820")]),
    controlPlane: ControlPlane(apiServerPort: 6443))
  var record = AffiliateRecord(affiliate)
  record.labels = try NodeLabels(["rack": "r1"])
  record.health = .notReady(reason: "KubeletNotReady")
  record.confirmedAt = Timestamp(milliseconds: 1_700_000_000_000)
  var adoption = TableAdoption()
  adoption.gone = ["old"]
  adoption.kept = [
    (key, RetentionPolicy(onFailure: .drop, staleAfter: .seconds(5), expect: .seconds(600)))
  ]
  adoption.placed = [
    TableAdoption.Placed(
      key: key, prefix: "k8s", disabled: "disabled is true", retention: RetentionPolicy(), hasRun: true)
  ]
  adoption.policy = MergePolicy(
    precedence: ["b", "a"],
    matching: [
      "a": RegistryMatching(
        keys: [MatchKey(.machineID), MatchKey(.hostname, isShort: true), MatchKey(.label("serial"))],
        alone: .affiliate)
    ], ignoredAddresses: IgnoredAddresses([try IPPrefix("10.99.0.0/16")], defaultBridges: false))
  adoption.order = ["a", "b"]
  adoption.settleTime = .milliseconds(1500)
  let error = RegistryError(.permissionDenied, "no")
  return [
    .adopted(adoption), .adopted(TableAdoption()),
    .restored(
      SavedState(savedAt: Timestamp(milliseconds: 5), prefixes: ["a": "b"], known: ["a"]), local: node),
    .restored(SavedState(savedAt: Timestamp(milliseconds: 5)), local: nil),
    .started("me", savedAt: Timestamp(milliseconds: 3), nodeCount: 4),
    .started("", savedAt: nil, nodeCount: 0),
    .local(record), .local(nil), .began(key, isRestart: true), .began(key, isRestart: false),
    .made(
      key, prefix: "k8s", RegistryDescriptor(name: "p", version: "1.2", summary: "", leases: true),
      leases: false),
    .made(key, prefix: "rack", nil, leases: nil), .made(key, prefix: "rack", nil, leases: true),
    .applied(
      key,
      RegistryIntake.Batch(
        updates: [
          .snapshot([record], source: eu, absent: .unlisted), .snapshot([], source: .only),
          .upsert(record, source: eu), .remove(node, source: .only, reason: .withdrawn), .sourceGone(eu),
        ],
        reports: [HealthReport(.reading, error, source: eu), HealthReport(.credentials, nil)],
        outages: RegistryIntake.Outages(beforeSnapshot: [eu], open: [.only]),
        publicAddress: try IPAddress("203.0.113.1"), awaited: [eu, .only], completesSync: true,
        confirmations: [
          RegistryIntake.Confirmation(
            nodeID: node, source: eu, confirmedAt: Timestamp(milliseconds: 1_700_000_000_000))
        ]),
      nodeLimit: 250_000),
    .applied(key, RegistryIntake.Batch(awaited: []), nodeLimit: 1), .failed(key, error), .stopped(key),
    .readsPublications(key), .published(key, revision: 9, isWithdrawal: true, error),
    .published(key, revision: 9, isWithdrawal: false, nil), .doesNotPublish(key), .forgot("w-3"), .expired,
  ]
}

@Suite("Recordings")
struct RecordingTests {
  private let folder: TemporaryFolder
  private let start = RecordingStart(
    history: HistoryRetention(
      keep: .seconds(3600), maximumCount: 17,
      tombstones: TombstoneRetention(left: .seconds(5), missing: .seconds(6), maximumCount: 3)),
    time: Timestamp(milliseconds: 1_700_000_000_123), program: "9.8.7")

  init() throws { folder = try TemporaryFolder() }

  private var path: String { folder.path("x.rec") }

  /// When the input of that number is.
  private func moment(_ number: Int) -> Moment {
    Moment(
      elapsed: .nanoseconds(1_000_001 * number),
      wall: Timestamp(milliseconds: 1_700_000_000_123 + Int64(number)))
  }

  /// A recording of all kinds of inputs; its bytes.
  private func record(limit: Int = 1 << 20) throws -> [UInt8] {
    try? FileManager.default.removeItem(atPath: path)
    let writer = try RecordingWriter(path, limit: limit, start)
    for (number, input) in try inputs().enumerated() { writer.take(input, at: moment(number)) }
    _ = try writer.finish()
    return try BoundedFile.read(path, limit: 1 << 20).bytes
  }

  /// Reads a file of these bytes to its end.
  ///
  /// - Returns: how many changes were read, and what was wrong with the file.
  private func read(_ bytes: [UInt8]) throws -> (commits: UInt64, error: String?) {
    let path = folder.path("read.rec")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    var commits: UInt64 = 0
    do throws(RecordingReader.Failure) {
      let reader = try RecordingReader(path)
      while try reader.next() != nil { commits = reader.commits }
      return (commits, nil)
    } catch {
      return (commits, error.description.replacing(folder.path + "/", with: ""))
    }
  }

  @Test("what was recorded is read as it was, with its moments, whatever it is")
  func wholeRecording() throws {
    _ = try record()
    let reader = try RecordingReader(path)
    #expect(reader.start == start)
    for (number, input) in try inputs().enumerated() {
      let (read, moment) = try #require(try reader.next())
      let written = self.moment(number)
      #expect(moment == written)
      #expect(
        RecordingCoding.encode(read, at: moment) == RecordingCoding.encode(input, at: written), "\(input)")
    }
    #expect(try reader.next() == nil)
    #expect(reader.end == RecordingEnd(commits: UInt64(try inputs().count), isFull: false))
  }

  @Test("only its owner may read the file")
  func mode() throws {
    _ = try record()
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test("what is there already isn't overwritten, be it a link to nowhere")
  func existing() throws {
    try folder.write("mine", to: "x.rec")
    #expect(throws: FileError.self) { try RecordingWriter(path, limit: 1 << 20, start) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    let link = folder.path("link.rec")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path("nowhere"))
    #expect(throws: FileError.self) { try RecordingWriter(link, limit: 1 << 20, start) }
    #expect(!FilePaths.exists(folder.path("nowhere")))
  }

  @Test("a full recording ends with what fits, and says so")
  func full() async throws {
    let all = try record().count
    for limit in [4096, 900, 600, 200] where limit < all {
      let bytes = try record(limit: limit)
      #expect(bytes.count <= limit)
      let reader = try RecordingReader(path)
      while try reader.next() != nil {}
      let end = try #require(reader.end)
      #expect(end.isFull)
      #expect(end.commits < UInt64(try inputs().count))
    }
    // Who waits for that is told.
    let writer = try RecordingWriter(folder.path("small.rec"), limit: 200, start)
    for (number, input) in try inputs().enumerated() { writer.take(input, at: moment(number)) }
    await writer.waitUntilOver()
  }

  @Test("a recording that is cut anywhere is read up to there, and said to have no end")
  func cut() throws {
    let bytes = try record()
    let header = "rollcall-recording 1\n".utf8.count
    var newest: UInt64 = 0
    for length in header..<bytes.count {
      let (commits, error) = try read(Array(bytes[..<length]))
      #expect(commits >= newest)
      newest = commits
      #expect(error?.contains("has no end: it was cut") == true, "\(length): \(error ?? "")")
    }
    #expect(newest == UInt64(try inputs().count))
    #expect(try read(bytes).error == nil)
  }

  @Test("a bit that flips anywhere is noticed, and what was before it is read")
  func flipped() throws {
    let bytes = try record()
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 1 << UInt8(position % 8)
      let (_, error) = try read(damaged)
      #expect(error != nil, "byte \(position)")
    }
  }

  @Test(
    "another file, or one of another version, is refused with a reason",
    arguments: [
      ("", "isn't a recording"), ("nodes: []\n", "isn't a recording"),
      ("rollcall-recording\n", "isn't a recording"),
      ("rollcall-recording 99999999999999999999\n", "isn't a recording"),
      ("rollcall-recording -1\n", "isn't a recording"),
      (String(repeating: "x", count: 100_000), "isn't a recording"),
      ("rollcall-recording 2\nwhatever", "is a recording of version 2, and this program, "),
      ("rollcall-recording 1\n", "has no end"),
    ])
  func foreign(_ text: String, _ reason: String) throws {
    let error = try #require(try read(Array(text.utf8)).error)
    #expect(error.contains(reason), "\(error)")
  }

  @Test("frames that are whole and don't belong together are refused")
  func misplaced() throws {
    let header = Array("rollcall-recording 1\n".utf8)
    func frames(_ contents: [[UInt8]]) throws -> [UInt8] {
      var chain = RecordingChain()
      return try contents.reduce(into: header) { bytes, content in
        let head = chain.head(of: content)
        bytes += try #require(head) + content
      }
    }
    let moment = Moment(elapsed: .seconds(5), wall: start.time)
    let begin = RecordingCoding.encode(start)
    let later = RecordingCoding.encode(.expired, at: moment)
    let earlier = RecordingCoding.encode(.expired, at: Moment(elapsed: .seconds(4), wall: start.time))
    func end(_ count: UInt64) -> [UInt8] {
      RecordingCoding.encode(RecordingEnd(commits: count, isFull: false))
    }
    var unknown = TaggedWriter()
    unknown.write(2) {
      $0.write(1, Int64(0))
      $0.write(2, Int64(0))
      $0.write(99, "from the future")
    }
    let cases: [([[UInt8]], String?)] = [
      ([begin, later, end(1)], nil),
      ([later], "doesn't begin as a recording does"),
      ([begin, begin], "it begins twice"),
      ([begin, later, earlier], "time goes backwards"),
      ([begin, later, end(2)], "it should have 2 of them"),
      ([begin, end(0), later], "something follows its end"),
      ([begin, unknown.bytes], "it has a change that this program doesn't know"),
      ([begin, []], "a part without content is malformed"),
      ([begin, [0x0A]], "malformed"),
    ]
    for (contents, reason) in cases {
      let error = try read(try frames(contents)).error
      #expect(reason == nil ? error == nil : error?.contains(reason ?? "") == true, "\(error ?? "no error")")
    }
  }

  @Test("whatever bytes a frame has, they are decoded or refused")
  func random() throws {
    var generator = SeededGenerator(seed: 11)
    let contents = try inputs().map {
      RecordingCoding.encode($0, at: Moment(elapsed: .seconds(1), wall: start.time))
    }
    let replay = ClusterReplay(history: start.history, start: start.time)
    for _ in 0..<20_000 {
      var content = contents[Int.random(in: 0..<contents.count, using: &generator)]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        content[Int.random(in: 0..<content.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      do throws(TaggedReader.Malformed) {
        // What is taken does no harm either.
        if case .commit(let input, let moment) = try RecordingCoding.decode(content) {
          _ = replay.take(input, at: moment)
        }
      } catch { continue }
    }
  }
}
