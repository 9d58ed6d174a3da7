import Foundation
import Logging
import NIOCore
import Platform
import TestSupport
import Testing

@testable import DiscoveryService

@Suite("Snapshot files")
struct SnapshotTests {
  private let metrics = ServiceMetrics()

  private func snapshots(_ path: String) -> SnapshotFile {
    SnapshotFile(path: path, metrics: metrics, logger: Logger(label: "test"))
  }

  private func read(_ path: String) throws -> [UInt8] { try BoundedFile.read(path, limit: 1 << 20).bytes }

  @Test("a restart finds what was stored, with the time that was left")
  func saveAndRestore() async throws {
    let folder = try TemporaryFolder()
    let fixture = StoreFixture()
    fixture.update("a", in: "c", data: [1, 2], endpoints: [[3], [4]], ttl: .seconds(100))
    fixture.update("b", in: "d", data: [5], ttl: .seconds(10))
    fixture.later(.seconds(40))
    snapshots(folder.path("state")).write(fixture.store)
    #expect(metrics.snapshotsWritten.value == 1)
    #expect(folder.names == ["state"])

    let later = StoreFixture()
    let restored = try snapshots(folder.path("state")).restore(into: later.store, now: 0)
    #expect(restored == .affiliates(1))
    #expect(try later.list("c").affiliates == [.init(id: "a", data: [1, 2], endpoints: [[3], [4]])])
    later.later(.seconds(59))
    #expect(try later.list("c").ids == ["a"])
    later.later(.seconds(2))
    #expect(try later.list("c").ids.isEmpty)
  }

  /// The bytes of a cluster in a file, without its tag and length: affiliate "a" with data and an endpoint.
  private static func cluster(renewal: [UInt8]) -> [UInt8] {
    let endpoint: [UInt8] = [0x12, 2, 7, 8, 0x1A, 2, 0x08, 60]
    let affiliate: [UInt8] =
      [0x0A, 1, 0x61, 0x1A, 1, 9, 0x22, UInt8(endpoint.count)] + endpoint + [0x2A, 2, 0x08, 60] + renewal
    return [0x0A, 1, 0x63, 0x12, UInt8(affiliate.count)] + affiliate
  }

  @Test("the file has the existing service's format: clusters alone, which hold all that is our own")
  func format() async throws {
    let folder = try TemporaryFolder()
    let fixture = StoreFixture()
    fixture.update("a", in: "c", data: [9], endpoints: [[7, 8]], ttl: .seconds(60))
    snapshots(folder.path("state")).write(fixture.store)
    let bytes = try read(folder.path("state"))
    // 1,700,000,000 seconds since 1970 in field 1001.
    let cluster = Self.cluster(renewal: [0xCA, 0x3E, 6, 0x08, 0x80, 0xE2, 0xCF, 0xAA, 0x06])
    // In front and behind it stand the mark and the checksum.
    #expect(Array(bytes.prefix(5)) == [0x0A, UInt8(3 + cluster.count + 11), 0xF0, 0x7F, 1])
    #expect(Array(bytes.dropFirst(5).dropLast(8)) == cluster + [0xFA, 0x7F, 8])
  }

  @Test(
    "a file of any number of clusters has nothing but clusters beside each other, as the existing service wants"
  )
  func clustersAlone() throws {
    for count in [0, 1, 2, 3, 100] {
      let folder = try TemporaryFolder()
      let fixture = StoreFixture()
      for index in 0..<count { fixture.update("a", in: "c\(index)", data: [1], ttl: .seconds(60)) }
      let file = snapshots(folder.path("state"))
      file.write(fixture.store)
      var ids: Set<String> = []
      try ByteBuffer(bytes: try read(folder.path("state"))).withUnsafeReadableBytes { raw in
        var reader = ProtobufReader(raw)
        while let (field, value) = try reader.next() {
          #expect(field == 1)
          var inner = try value.message()
          while let (field, value) = try inner.next() { if field == 1 { ids.insert(try value.id().text) } }
        }
      }
      #expect(ids.count == count)
      #expect(try file.restore(into: StoreFixture().store, now: 0) == .affiliates(count))
    }
  }

  @Test("files of older versions, with mark and checksum around the clusters, are read, and found if damaged")
  func aroundClusters() throws {
    let cluster = Self.cluster(renewal: [])
    var whole: [UInt8] = [0xF0, 0x7F, 1, 0x0A, UInt8(cluster.count)] + cluster + [0xFA, 0x7F, 8]
    // There the checksum was of what stands before its field.
    var sum = SnapshotChecksum()
    whole.dropLast(3).withUnsafeBytes { sum.update($0) }
    whole += sum.bytes
    let clusters = try StateSnapshot.decode(ByteBuffer(bytes: whole), now: 0)
    #expect(clusters.count == 1 && clusters[0].affiliates.map(\.data) == [[9]])
    #expect(clusters[0].affiliates[0].renewedAt == nil)
    for place in whole.indices {
      for bit in 0..<8 {
        var changed = whole
        changed[place] ^= 1 << UInt8(bit)
        #expect(throws: (any Error).self, "byte \(place), bit \(bit)") {
          try StateSnapshot.decode(ByteBuffer(bytes: changed), now: 0)
        }
      }
    }
  }

  @Test("moments of expiry, as old files have them, are understood")
  func oldFormat() throws {
    let expiration: [UInt8] = [0x12, 2, 0x08, 100]
    let endpoint: [UInt8] = [0x0A, 2, 0x08, 50, 0x12, 1, 7]
    let affiliate: [UInt8] = [0x0A, 1, 0x61] + expiration + [0x22, UInt8(endpoint.count)] + endpoint
    let cluster: [UInt8] = [0x0A, 1, 0x63, 0x12, UInt8(affiliate.count)] + affiliate
    let clusters = try StateSnapshot.decode(
      ByteBuffer(bytes: [0x0A, UInt8(cluster.count)] + cluster), now: 40_000_000_000)
    #expect(clusters.count == 1)
    #expect(clusters[0].affiliates[0].timeToLive == 60_000_000_000)
    #expect(clusters[0].affiliates[0].endpoints[0].timeToLive == 10_000_000_000)
  }

  @Test("a damaged file is set aside and the service starts without it")
  func damaged() async throws {
    let folder = try TemporaryFolder()
    let fixture = StoreFixture()
    for index in 0..<50 { fixture.update("a\(index)", data: [1, 2, 3], ttl: .seconds(60)) }
    let file = snapshots(folder.path("state"))
    file.write(fixture.store)
    let whole = try read(folder.path("state"))
    for (index, bytes) in [Array(whole.dropLast(3)), [0xFF] + whole, Array("not a snapshot".utf8)]
      .enumerated()
    {
      try Data(bytes).write(to: URL(fileURLWithPath: folder.path("state")))
      let store = StoreFixture().store
      let result = try file.restore(into: store, now: Int64(index) * 1_000_000_000)
      #expect(result == .setAside(folder.path("state.damaged-\(index)")))
      #expect(store.statistics().affiliates == 0)
      #expect(try read(folder.path("state.damaged-\(index)")) == bytes)
    }
    #expect(try file.restore(into: fixture.store, now: 0) == .nothing)
  }

  @Test(
    "cut off at any byte, a file is set aside with a message, and nothing is restored"
  )
  func cutOff() async throws {
    let folder = try TemporaryFolder()
    let fixture = StoreFixture()
    for index in 0..<6 {
      fixture.update(
        "a\(index)", in: "c\(index % 3)", data: [1, 2, 3], endpoints: [[4], [5, 6]], ttl: .seconds(60))
    }
    let path = folder.path("state")
    snapshots(path).write(fixture.store)
    let whole = try read(path)
    for offset in whole.indices.dropFirst() {
      try Data(whole[..<offset]).write(to: URL(fileURLWithPath: path))
      let log = LogRecorder()
      let file = SnapshotFile(path: path, metrics: metrics, logger: log.logger)
      let store = StoreFixture().store
      let aside = "\(path).damaged-\(offset)"
      #expect(try file.restore(into: store, now: Int64(offset) * 1_000_000_000) == .setAside(aside))
      #expect(store.statistics().affiliates == 0)
      #expect(try read(aside) == Array(whole[..<offset]))
      #expect(log.lines.count == 1)
      #expect(log.lines.first?.contains("damaged") == true && log.lines.first?.contains(aside) == true)
    }
  }

  @Test("one that can't be written is told of and leaves the last one as it was")
  func unwritable() async throws {
    let folder = try TemporaryFolder()
    let file = snapshots(folder.path("missing/state"))
    file.write(StoreFixture().store)
    #expect(metrics.snapshotFailures.value == 1)
    #expect(metrics.snapshotsWritten.value == 0)
  }

  @Test("a half-written file of a process that was killed doesn't hurt the last whole one")
  func killedDuringWrite() async throws {
    let folder = try TemporaryFolder()
    let fixture = StoreFixture()
    fixture.update("a", data: [1], ttl: .seconds(60))
    let file = snapshots(folder.path("state"))
    file.write(fixture.store)
    try folder.write("half of", to: ".state.0123456789abcdef.tmp")
    #expect(try file.restore(into: StoreFixture().store, now: 0) == .affiliates(1))
    file.write(fixture.store)
    #expect(folder.names == ["state"])
  }

  @Test("a file with any bit changed is set aside")
  func bitFlips() throws {
    let folder = try TemporaryFolder()
    let fixture = StoreFixture()
    for index in 0..<3 { fixture.update("a\(index)", data: [1, 2], endpoints: [[3]], ttl: .seconds(60)) }
    let path = folder.path("state")
    snapshots(path).write(fixture.store)
    let whole = try read(path)
    for place in whole.indices {
      for bit in 0..<8 {
        var changed = whole
        changed[place] ^= 1 << UInt8(bit)
        #expect(throws: (any Error).self, "byte \(place), bit \(bit)") {
          try StateSnapshot.decode(ByteBuffer(bytes: changed), now: 0)
        }
      }
    }
    #expect(try StateSnapshot.decode(ByteBuffer(bytes: whole), now: 0).count == 1)
  }

  @Test("what isn't a regular file is neither read nor replaced, and a link is replaced and not followed")
  func otherFiles() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let file = snapshots(pipe)
    #expect(throws: FileError.self) { try file.restore(into: StoreFixture().store, now: 0) }
    file.write(StoreFixture().store)
    #expect(metrics.snapshotFailures.value == 1 && folder.names == ["pipe"])
    var status = stat()
    #expect(lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)

    // Whoever could write to the folder put a link at the name that an older version wrote to.
    try folder.write("mine", to: "victim")
    #expect(symlink(folder.path("victim"), folder.path("state.new")) == 0)
    let fixture = StoreFixture()
    fixture.update("a", data: [1], ttl: .seconds(60))
    snapshots(folder.path("state")).write(fixture.store)
    #expect(try read(folder.path("victim")) == Array("mine".utf8))
    #expect(try snapshots(folder.path("state")).restore(into: StoreFixture().store, now: 0) == .affiliates(1))
  }

  @Test("two services don't use one file")
  func lock() throws {
    let folder = try TemporaryFolder()
    var lock: SnapshotLock? = try SnapshotLock(snapshot: folder.path("state"))
    do throws(ServiceConfigurationError) {
      _ = try SnapshotLock(snapshot: folder.path("state"))
      Issue.record("both have it")
    } catch {
      #expect(error.description.hasPrefix("another service uses the snapshot file"))
    }
    #expect(lock != nil)
    lock = nil
    #expect(throws: Never.self) { try SnapshotLock(snapshot: folder.path("state")) }
  }
}

@Suite("Files that are taken over anew")
struct ReloadedFilesTests {
  struct Passing: Error {}

  @Test("what goes wrong for a passing reason is told once and tried again, though the file stays as it is")
  func passing() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("one", to: "file")
    let load = { (try BoundedFile.text(path, limit: 100), [try FileSignature(path)]) }
    let file = try ReloadedFiles(load)
    #expect(try file.reload(ifChanged: [path], load) == false)
    try folder.write("another", to: "file")
    #expect(throws: Passing.self) { try file.reload(ifChanged: [path]) { throw Passing() } }
    #expect(try file.reload(ifChanged: [path]) { throw Passing() } == false)
    #expect(file.value == "one")
    #expect(try file.reload(ifChanged: [path], load))
    #expect(file.value == "another")
    #expect(try file.reload(ifChanged: [path], load) == false)
  }
}
