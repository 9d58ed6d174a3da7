import Foundation
import TestSupport
import Testing

@testable import PluginHost

@Suite("Finding plugins", .timeLimit(.minutes(2)))
struct CatalogTests {
  private func folder(_ files: [String: String]) async throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, library) in files {
      try FileManager.default.copyItem(atPath: library, toPath: folder.path(name))
    }
    return folder
  }

  private func catalog(_ folders: TemporaryFolder..., log: LogProbe = LogProbe()) -> PluginCatalog {
    PluginCatalog(
      directories: PluginDirectories(folders: folders.map { .init($0.path) }), logger: log.logger)
  }

  @Test(
    "a plugin is found by its file's name", arguments: ["librollcall-plain.so", "libplain.so", "plain.so"])
  func byName(file: String) async throws {
    let folder = try await folder([file: try await Plugins.build("plain")])
    let plugin = try await catalog(folder).plugin(named: "plain")
    #expect(plugin.file == folder.path(file))
    #expect(plugin.abiVersion == .host)
  }

  @Test("a plugin is found by what it calls itself, among libraries that are none")
  func byContent() async throws {
    let folder = try await folder([
      "a-useful.so": try await Plugins.build("no_entry"),
      "b-other.so": try await Plugins.build("create_fails"),
      "c-this.so": try await Plugins.build("plain"),
    ])
    try folder.write("not a library", to: "d.so")
    #expect(try await catalog(folder).plugin(named: "plain").file == folder.path("c-this.so"))
  }

  @Test("a plugin that isn't there is told with the folders and those that are")
  func notFound() async throws {
    let folder = try await folder(["other.so": try await Plugins.build("create_fails")])
    let broken = folder.path("broken.so")
    try FileManager.default.copyItem(atPath: try await Plugins.build("null_table"), toPath: broken)
    await #expect(
      throws: PluginError(
        .notFound,
        "no plugin is called 'rack': there is no librollcall-rack.so in \(folder.path); there are create-fails; "
          + "not usable: \(broken): registry_plugin_entry_v1 returned NULL instead of its table")
    ) { try await catalog(folder).plugin(named: "rack") }
  }

  @Test("the earlier of two folders wins, and the list tells of the other")
  func shadowed() async throws {
    let plain = try await Plugins.build("plain")
    let first = try await folder(["librollcall-plain.so": plain])
    let second = try await folder(["librollcall-plain.so": plain])
    let catalog = catalog(first, second)
    #expect(try await catalog.plugin(named: "plain").file == first.path("librollcall-plain.so"))
    let all = try await catalog.all()
    #expect(all.map(\.file) == [first, second].map { $0.path("librollcall-plain.so") })
    #expect(throws: Never.self) { try all[0].result.get() }
    #expect(
      throws: PluginError(
        .shadowed, file: all[1].file,
        "is called 'plain' as \(all[0].file) is, which is found first")
    ) { try all[1].result.get() }
  }

  @Test("two plugins of one name in one folder are refused, naming both files")
  func duplicate() async throws {
    let plain = try await Plugins.build("plain")
    let folder = try await folder(["librollcall-plain.so": plain, "plain.so": plain])
    let (first, second) = (folder.path("librollcall-plain.so"), folder.path("plain.so"))
    await #expect(
      throws: PluginError(
        .duplicate, file: first,
        "is called 'plain', and so is \(second) in the same folder; remove one of them")
    ) { try await catalog(folder).plugin(named: "plain") }
    let all = try await catalog(folder).all()
    #expect(
      throws: PluginError(
        .duplicate, file: first, "is called 'plain', and so is \(second); remove one of them")
    ) { try all[0].result.get() }
    #expect(throws: PluginError.self) { try all[1].result.get() }
  }

  @Test("a file whose name speaks of another plugin is told of and not taken")
  func misnamed() async throws {
    let log = LogProbe()
    let folder = try await folder(["librollcall-rack.so": try await Plugins.build("plain")])
    await #expect(throws: PluginError.self) { try await catalog(folder, log: log).plugin(named: "rack") }
    #expect(
      log.all == [
        "notice: \(folder.path("librollcall-rack.so")) is the plugin 'plain', not 'rack' as its file says"
      ])
  }

  @Test("one file is loaded once, whatever it is called and whoever asks at the same time")
  func once() async throws {
    let folder = try await folder(["librollcall-plain.so": try await Plugins.build("plain")])
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.so"), withDestinationPath: folder.path("librollcall-plain.so"))
    let tables = try await withThrowingTaskGroup(of: UInt.self) { group in
      for index in 0..<16 {
        let file = folder.path(index % 2 == 0 ? "link.so" : "librollcall-plain.so")
        group.addTask { UInt(bitPattern: try await Plugins.load(file).table.pointer) }
      }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(tables.count == 1)
  }

  @Test("folders: the environment's, the configured, the program's own and its lib")
  func directories() {
    let directories = PluginDirectories.standard(
      configured: ["/etc/plugins"], environment: ["ROLLCALL_PLUGIN_PATH": "/a:/b:"],
      executable: "/opt/bin/rollcall")
    #expect(
      directories.folders == [
        .init("/a"), .init("/b"), .init("/etc/plugins"), .init("/opt/bin", onlyOwnNames: true),
        .init("/opt/lib/rollcall"),
      ])
    #expect(
      PluginDirectories.Folder("/opt/bin", onlyOwnNames: true).candidates(for: "x") == [
        "/opt/bin/librollcall-x.so"
      ])
  }
}
