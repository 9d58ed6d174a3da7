import ClusterModel
import Lifecycle
import Platform
import Rollcall
import Sealing
import TestSupport
import Testing

@testable import StateFile

@Suite("The state file")
struct StateFileTests {
  private let folder: TemporaryFolder
  private let now = Timestamp(milliseconds: 1_796_000_000_000)

  init() throws { folder = try TemporaryFolder() }

  private func key(_ byte: UInt8 = 7) throws -> ClusterKey {
    try ClusterKey(bytes: [UInt8](repeating: byte, count: 32))
  }

  /// A state with everything that there is.
  private func state() throws -> SavedState {
    func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_123 + seconds * 1000) }
    var affiliate = Affiliate(
      nodeID: try NodeIdentity("rack/17a".split(separator: "/").last.map(String.init) ?? ""),
      addresses: [try IPAddress("10.0.0.1"), try IPAddress("fd00::1")], hostname: "héllo", nodename: "w-1",
      operatingSystem: "Debian", machineType: .worker,
      kubeSpan: KubeSpanAffiliate(
        publicKey: "key", address: try IPAddress("fd00::2"),
        additionalAddresses: [try IPPrefix("10.244.0.0/16")],
        excludeAdvertisedNetworks: [try IPPrefix("10.0.0.0/8")],
        endpoints: [try IPEndpoint("[fd00::9]:51820")]),
      controlPlane: ControlPlane(apiServerPort: 6443))
    var record = AffiliateRecord(affiliate, confirmedAt: time(1), isStale: true, isLocalID: true)
    record.machineID = String(repeating: "a", count: 32)
    record.labels = try NodeLabels(["rack": "r1", "empty": ""])
    record.createdAt = time(-5)
    record.health = .notReady(reason: "KubeletNotReady")
    affiliate.hostname = ""
    var healthy = AffiliateRecord(affiliate)
    healthy.health = .ready
    let source = RecordSource(registry: "inventory", source: try RegistrySource("b.yaml"))
    let status = LifecycleState.Status(
      name: "w-1", state: .missing, reason: StatusReason(.expired), since: time(2))
    var node = LifecycleState.Node(id: NodeIdentity(localID: affiliate.nodeID, rawPrefix: "inventory:b.yaml"))
    node.affiliate = affiliate
    node.records = [
      .init(source: source, record: record, listedAt: time(3)),
      .init(source: RecordSource(registry: "service"), record: healthy, listedAt: time(4)),
    ]
    node.marks = [
      .init(source: source, reason: .expired, at: time(5), lastSeen: time(4)),
      .init(source: RecordSource(registry: "k"), reason: .disabled, at: time(6)),
    ]
    node.arrival = time(-100)
    node.status = status
    node.prior = .init(state: .ready, since: time(-50))
    node.isNeverSeen = true
    node.returns = [time(7), time(8)]
    node.lastChange = time(9)
    node.isFlapping = true
    node.tombstones = [
      .init(status: status, until: time(100), affiliate: affiliate), .init(status: status, until: time(101)),
    ]
    let bare = LifecycleState.Node(id: try NodeIdentity("bare"))
    let version = SavedState.Version(number: 12, created: time(0), updated: time(1))
    var entry = HistoryEntry(
      revision: 4, time: time(1), kind: .member, id: "w-1", nodeID: node.id, from: "ready", to: "missing",
      reason: "expired", registry: "service", message: "expired in service")
    entry = HistoryEntry(entry, number: 9, count: 3, isFlapping: true)
    return SavedState(
      savedAt: now, prefixes: ["service": "service", "kubernetes": "k8s"], known: ["service"],
      lives: LifecycleState(leases: ["service": true, "kubernetes": false], nodes: [node, bare]),
      affiliates: [node.id: version], members: ["w-1": version],
      history: [
        entry,
        HistoryEntry(
          HistoryEntry(revision: 5, time: time(2), kind: .registry, id: "service", to: "failed"), number: 10,
          count: 1),
      ], historySince: time(-1), cursors: ["tell": .max, "other": 0])
  }

  @Test("everything that is written is read, sealed and not", arguments: [true, false])
  func roundTrip(isSealed: Bool) throws {
    let file = StateFile(folder: folder.path, key: isSealed ? try key() : nil)
    #expect(try file.read(at: now) == nil)
    try file.write(try state())
    #expect(try file.read(at: now) == (try state()))
    try file.write(SavedState(savedAt: now))
    #expect(try file.read(at: now) == SavedState(savedAt: now))
    #expect(folder.names == ["state"])
  }

  @Test("only its owner may read it, and with a secret nothing of the cluster stands in it")
  func confidential() throws {
    let file = StateFile(folder: folder.path, key: try key())
    try file.write(try state())
    let read = try BoundedFile.read(file.path, limit: 1 << 20)
    #expect(read.permissions == [.ownerReadWrite])
    let text = String(decoding: read.bytes, as: UTF8.self)
    for word in ["w-1", "service", "Debian", "10.0.0.1", "KubeletNotReady"] { #expect(!text.contains(word)) }
  }

  @Test(
    "a byte that was changed, or a part that is missing, is noticed: the file is set aside and told",
    arguments: [true, false])
  func damaged(isSealed: Bool) throws {
    let file = StateFile(folder: folder.path, key: isSealed ? try key() : nil)
    try file.write(try state())
    let whole = try BoundedFile.read(file.path, limit: 1 << 20).bytes
    var spoiled: [[UInt8]] = []
    for position in stride(from: 0, to: whole.count, by: 3) {
      var bytes = whole
      bytes[position] ^= UInt8(1 << (position % 8))
      spoiled.append(bytes)
    }
    for count in stride(from: 0, to: whole.count, by: 7) { spoiled.append(Array(whole[..<count])) }
    for bytes in spoiled {
      try AtomicFile.replace(file.path, with: bytes)
      do {
        let (read, expected) = (try file.read(at: now), try state())
        // The last word of a sealed file's first line says nothing.
        #expect(isSealed && read == expected, "\(bytes.count) bytes passed")
      } catch let error as StateFile.Failure {
        #expect(error.isSetAside, "\(error)")
        #expect(error.message.contains("set aside as"))
        #expect(try file.read(at: now) == nil)
      }
    }
    #expect(folder.names.contains { $0.hasPrefix("state.damaged-2026-11-") })
  }

  @Test(
    "a file that was sealed with another secret, isn't sealed though there is a secret, or is of a later version is set aside"
  )
  func notOurs() throws {
    let sealed = StateFile(folder: folder.path, key: try key())
    let plain = StateFile(folder: folder.path, key: nil)
    let other = StateFile(folder: folder.path, key: try key(8))
    try sealed.write(try state())
    #expect(throws: StateFile.Failure.self) { try other.read(at: now) }
    try sealed.write(try state())
    #expect(throws: StateFile.Failure.self) { try plain.read(at: now) }
    try plain.write(try state())
    #expect(throws: StateFile.Failure.self) { try sealed.read(at: now) }
    try folder.replace("state", with: "rollcall-state 2 sha-256 00\n")
    do {
      _ = try plain.read(at: now)
      Issue.record("it was read")
    } catch { #expect(error.message.contains("it is of version 2, and this program knows version 1")) }
  }

  @Test("fields that a later version added are skipped")
  func unknownFields() throws {
    var writer = TaggedWriter()
    writer.write(1, now.milliseconds)
    writer.write(99, "new")
    writer.write(98, UInt64(5))
    writer.write(5) {
      $0.write(1, "node")
      $0.write(77) { $0.write(1, "newer") }
    }
    let read = try StateCoding.decode(writer.bytes)
    #expect(read.lives.nodes.map(\.id.text) == ["node"])
    #expect(read.savedAt == now)
  }

  @Test("no bytes make the reader trap")
  func random() throws {
    var generator = SeededGenerator(seed: 11)
    let whole = StateCoding.encode(try state())
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      _ = try? StateCoding.decode(bytes)
    }
  }
}
