import ClusterResources
import Foundation
import Glibc
import Outputs
import RollcallMetrics
import TestSupport
import Testing

/// Files that are kept, on a real disk.
@Suite struct OutputFileTests {
  @Test("a file is written when the world is known, with a header, readable by all")
  func first() async throws {
    let output = try OutputHarness()
    output.show(3, isKnown: false)
    try await output.held("unsynced")
    #expect(output.lines == nil && output.folder.names == [])
    output.show(3)
    try await output.written(3)
    #expect(
      text(output.path).hasPrefix("# rollcall ") && text(output.path).contains(", 3 members, revision e.1\n"))
    let access = try FileManager.default.attributesOfItem(atPath: output.path)
    #expect(access[.posixPermissions] as? Int == 0o644)
    try await eventually("no draft is left") { output.folder.names == ["nodes"] }
    try await eventually("it is current") { output.status.currentAt != nil && output.status.message.isEmpty }
  }

  @Test("what changes within the debounce is written once, when it is quiet")
  func debounce() async throws {
    let output = try OutputHarness()
    output.show(3)
    try await output.written(3)
    output.show(4)
    try await eventually("it waits") { output.clock.pending == [.seconds(2)] }
    output.clock.advance(by: .seconds(1))
    output.show(5)
    try await output.pass(.seconds(2))
    try await output.written(5)
    try await eventually("both are logged") {
      output.logs.lines.count { $0.contains("an output was written") } == 2
    }
  }

  @Test("a world that is never quiet is written after ten seconds")
  func restless() async throws {
    let output = try OutputHarness()
    output.show(3)
    try await output.written(3)
    for second in 0..<9 {
      output.show(4 + second)
      try await eventually("it waits") {
        output.clock.pending == [.seconds(second == 0 ? 2 : min(2, 10 - second))]
      }
      output.clock.advance(by: .seconds(1))
    }
    #expect(output.lines?.count == 3)
    output.show(20)
    try await output.pass(.seconds(1))
    try await output.written(20)
  }

  @Test("a file of equal content isn't touched, whatever its header says")
  func untouched() async throws {
    let output = try OutputHarness()
    output.show(3)
    try await output.written(3)
    let before = try Entry(output.path)
    await output.stop()
    let again = try OutputHarness(folder: output.folder)
    again.show(3)
    try await eventually("it is current") { again.status.currentAt != nil }
    #expect(try Entry(output.path) == before)
    try await eventually("it is told") {
      again.logs.lines.contains("debug: an output is current output=nodes")
    }
  }

  @Test("a world that is suddenly small is held for ten minutes, and told")
  func shrinking() async throws {
    let output = try OutputHarness()
    output.show(10)
    try await output.written(10)
    output.show(4)
    try await output.pass(.seconds(2))
    try await output.held("shrink")
    #expect(output.status.message.contains("it would have 4 entries in place of 10"))
    try await eventually("it is told") {
      output.logs.lines.contains { $0.hasPrefix("warning: an output is held") }
    }
    try await output.pass(.seconds(600))
    try await output.written(4)
    try await eventually("it is told") {
      output.logs.lines.contains { $0.hasPrefix("notice: an output was written") }
    }
  }

  @Test("a world that is small after a restart is held too, and a whole one ends that")
  func shrunkAtStart() async throws {
    let output = try OutputHarness()
    output.show(10)
    try await output.written(10)
    await output.stop()
    let again = try OutputHarness(folder: output.folder)
    again.show(1)
    try await again.held("shrink")
    again.show(9)
    try await again.pass(.seconds(2))
    try await again.written(9)
  }

  @Test("nobody is never written, also not to a new file")
  func empty() async throws {
    let output = try OutputHarness()
    output.show(0)
    try await output.held("empty")
    #expect(output.lines == nil)
    output.show(1)
    try await output.pass(.seconds(2))
    try await output.written(1)
    output.show(0)
    try await output.pass(.seconds(2))
    try await output.held("empty")
    #expect(output.lines?.count == 1)
  }

  @Test("a file's owner and mode are kept", .enabled(if: geteuid() == 0, "only root can give a file away"))
  func owner() async throws {
    let folder = try TemporaryFolder()
    try folder.write("10.0.0.9\told\n", to: "nodes")
    #expect(chown(folder.path("nodes"), 4321, 1234) == 0 && chmod(folder.path("nodes"), 0o640) == 0)
    let output = try OutputHarness(folder: folder)
    output.show(3)
    try await output.written(3)
    let entry = try Entry(output.path)
    #expect(entry.user == 4321 && entry.group == 1234 && entry.mode == 0o640)
  }

  @Test("a mode of the configuration counts, also where the content is the same")
  func mode() async throws {
    let output = try OutputHarness()
    output.show(3)
    try await output.written(3)
    await output.stop()
    let again = try OutputHarness(folder: output.folder) { definition, _ in definition.mode = 0o600 }
    again.show(3)
    try await eventually("it is current") { again.status.currentAt != nil }
    #expect(try Entry(again.path).mode == 0o600)
  }

  @Test("a link stays one, and what it leads to is written")
  func link() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "real/file")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("nodes"), withDestinationPath: folder.path("real/file"))
    let output = try OutputHarness(folder: folder)
    output.show(3)
    try await output.written(3)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: output.path) == folder.path("real/file"))
    #expect(text(folder.path("real/file")).hasSuffix("10.0.0.2\tn-2\n"))
  }

  @Test(
    "a file that is a mount of its own is an error, and keeps its content",
    .enabled(if: MountedFile.isPossible, "needs the right to mount"))
  func mounted() async throws {
    let mount = try MountedFile("10.0.0.9\told\n", name: "nodes")
    let output = try OutputHarness(folder: mount.folder)
    output.show(3)
    try await eventually("it fails: \(output.status)") { output.status.error != nil }
    #expect(
      output.status.error?.hasSuffix("it is a mount of its own, as of a container; mount its folder instead")
        == true)
    #expect(output.lines == ["10.0.0.9\told"])
    #expect(mount.folder.names == ["nodes", "source"])
    await output.stop()
  }

  @Test("what can't be written is tried again, told once, and doesn't end anything")
  func retries() async throws {
    let output = try OutputHarness { definition, folder in definition.path = "\(folder)/later/nodes" }
    output.show(3)
    try await eventually("it fails") { output.status.error != nil }
    try await output.pass(.seconds(5))
    try await output.pass(.seconds(10))
    try await eventually("it waits") { output.clock.pending == [.seconds(20)] }
    #expect(output.logs.lines.count { $0.hasPrefix("error: an output can't be written") } == 1)
    try output.folder.write("", to: "later/x")
    output.clock.advance(by: .seconds(20))
    try await output.written(3)
    try await eventually("all is well") { output.status.error == nil }
  }

  @Test("a folder in the file's place is an error")
  func folderInPlace() async throws {
    let output = try OutputHarness()
    try output.folder.write("", to: "nodes/x")
    output.show(3)
    try await eventually("it fails") { output.status.error?.contains("it is a folder, not a file") == true }
  }

  @Test("members are selected by their labels, and what is left out is told")
  func selector() async throws {
    let selector = try LabelSelector("rack=r0")
    let output = try OutputHarness { definition, _ in definition.selector = selector }
    output.show(["a", "b", "c", "d", "bad name"])
    try await output.written(2)
    #expect(output.lines == ["10.0.0.0\ta", "10.0.0.2\tc"])
    #expect(output.status.omissions.map(\.member) == ["bad name"])
    #expect(output.logs.lines.contains { $0.hasPrefix("warning: 'bad name' is left out:") })
  }

  @Test("an output that is taken away isn't written any more, one that stays goes on, one that comes begins")
  func reload() async throws {
    let output = try OutputHarness()
    output.show(3)
    try await output.written(3)
    let kept = output.status
    output.service.reload([])
    #expect(output.service.statuses == [])
    output.service.reload([OutputDefinition(name: "other", format: .csv, path: output.folder.path("other"))])
    #expect(output.service.statuses.map(\.name) == ["other"])
    #expect(kept.name == "nodes")
  }
}

/// A file as the system knows it.
private struct Entry: Equatable {
  let inode: UInt64
  let changed: Int
  let user: UInt32
  let group: UInt32
  let mode: UInt32

  init(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw POSIXError(.ENOENT) }
    inode = UInt64(status.st_ino)
    changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
    (user, group, mode) = (status.st_uid, status.st_gid, status.st_mode & 0o7777)
  }
}

/// A file that is mounted, as containers do it.
private final class MountedFile {
  let folder: TemporaryFolder
  private let path: String

  static let isPossible: Bool = (try? MountedFile("", name: "probe")) != nil

  init(_ text: String, name: String) throws {
    folder = try TemporaryFolder()
    path = try folder.write("", to: name)
    let source = try folder.write(text, to: "source")
    guard mount(source, path, nil, UInt(MS_BIND), nil) == 0 else { throw POSIXError(.EPERM) }
  }

  deinit { umount(path) }
}
