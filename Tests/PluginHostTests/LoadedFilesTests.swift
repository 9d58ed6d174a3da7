import ClusterModel
import Foundation
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import PluginHost

/// What is loaded is a private copy of a file that was opened once.
@Suite("Loaded plugin files", .timeLimit(.minutes(3)))
struct LoadedFilesTests {
  private func copy(_ library: String, to name: String, in folder: TemporaryFolder) throws -> String {
    let file = folder.path(name)
    try FileManager.default.copyItem(atPath: library, toPath: file)
    return file
  }

  private func catalog(
    _ folder: TemporaryFolder, log: LogProbe = LogProbe(), places: [LibraryCopy.Place] = [.memory]
  ) -> PluginCatalog {
    PluginCatalog(
      directories: PluginDirectories(folders: [.init(folder.path)]), logger: log.logger,
      files: LoadedFiles(places: places))
  }

  /// The nodes of the first snapshot of a run of `plugin`'s registry, which is then ended.
  private func firstNodes(_ plugin: LoadedPlugin) async throws -> [String] {
    try await firstSnapshot(plugin).map(\.nodeID.text)
  }

  /// The first snapshot of a run of `plugin`'s registry, which is then ended.
  private func firstSnapshot(_ plugin: LoadedPlugin) async throws -> [Affiliate] {
    let recorder = SessionRecorder()
    try await recorder.run(
      plugin.registry(context: RegistryContext(name: "test", logger: recorder.logger))
    ) {
      try await recorder.wait(for: "a snapshot") { !$0.updates.isEmpty }
    }
    guard case .snapshot(let records, _, _) = recorder.now.updates.first else { return [] }
    return records.map(\.affiliate)
  }

  // MARK: Files that change

  @Test(
    "a file that is written over while it is loaded harms nobody, and its plugin goes on",
    arguments: [[LibraryCopy.Place.memory], [.folder("/tmp")]])
  func overwritten(places: [LibraryCopy.Place]) async throws {
    let folder = try TemporaryFolder()
    let file = try copy(try await Plugins.build("plain"), to: "plain.so", in: folder)
    let log = LogProbe()
    let catalog = catalog(folder, log: log, places: places)
    let plugin = try await catalog.plugin(named: "plain")
    #expect(try await firstNodes(plugin) == ["plain-1"])

    // In place, as `cp` does: the same file, shorter and longer than before, and then another plugin.
    let other = try Data(contentsOf: URL(filePath: try await Plugins.build("create_fails")))
    for content in [Data(), Data(repeating: 0xCC, count: 1 << 20), other] {
      let handle = try FileHandle(forWritingTo: URL(filePath: file))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: content)
      try handle.close()
      #expect(try await firstNodes(plugin) == ["plain-1"])
    }
    #expect(try await firstNodes(try await catalog.plugin(named: "plain")) == ["plain-1"])
    #expect(try await catalog.plugin(at: file).table.pointer == plugin.table.pointer)
    #expect(
      log.all == [
        "warning: \(file) was changed after plugin 'plain' 1.0.0 had been loaded from it, which goes on; restart "
          + "to use what is there now"
      ])
  }

  @Test(
    "a file that is replaced isn't loaded a second time, through a link neither; each change is told once")
  func replaced() async throws {
    let folder = try TemporaryFolder()
    let first = try copy(try await Plugins.build("plain"), to: "plain.so.1", in: folder)
    let second = try copy(try await Plugins.build("plain"), to: "plain.so.2", in: folder)
    let link = folder.path("plain.so")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: first)
    let log = LogProbe()
    let catalog = catalog(folder, log: log)
    let plugin = try await catalog.plugin(named: "plain")
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: second)
    for _ in 0..<3 {
      #expect(try await catalog.plugin(named: "plain").table.pointer == plugin.table.pointer)
    }
    #expect(log.all.count == 1)
    try folder.replace("plain.so.2", withFile: first)
    #expect(try await catalog.plugin(named: "plain").table.pointer == plugin.table.pointer)
    #expect(log.all.count == 2)
  }

  @Test("a file that couldn't be used is looked at again when it has changed, and not before")
  func mended() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("not yet", to: "librollcall-plain.so")
    let catalog = catalog(folder)
    let opens = try OpenCounter(file)
    for _ in 0..<3 {
      await #expect(throws: PluginError.self) { try await catalog.plugin(named: "plain") }
    }
    #expect(opens.count == 1)
    try folder.replace("librollcall-plain.so", withFile: try await Plugins.build("plain"))
    #expect(try await catalog.plugin(named: "plain").descriptor.name == "plain")
  }

  // MARK: Opened once

  @Test("a file is opened once, however often and by whatever name its plugin is asked for")
  func openedOnce() async throws {
    let folder = try TemporaryFolder()
    let file = try copy(try await Plugins.build("plain"), to: "librollcall-plain.so", in: folder)
    let other = try copy(try await Plugins.build("no_entry"), to: "useful.so", in: folder)
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.so"), withDestinationPath: file)
    let (opens, othersOpens) = (try OpenCounter(file), try OpenCounter(other))
    let catalog = catalog(folder)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { _ = try await catalog.plugin(named: "plain") }
        group.addTask { _ = try await catalog.plugin(at: file) }
        group.addTask { _ = try await catalog.plugin(at: folder.path("link.so")) }
        group.addTask { _ = try await catalog.all() }
        group.addTask { _ = try? await catalog.plugin(named: "rack") }
      }
      try await group.waitForAll()
    }
    #expect(opens.count == 1)
    #expect(othersOpens.count == 1)
  }

  // MARK: The copy

  @Test("what is loaded has the plugin's name for debuggers, backtraces, maps and the plugin itself")
  func names() async throws {
    let folder = try TemporaryFolder()
    let file = try copy(try await Plugins.build("where"), to: "librollcall-where.so", in: folder)
    let node = try await firstSnapshot(try await catalog(folder).plugin(named: "where")).first
    #expect(node?.hostname == file)
    // Foundation reads no more than the first piece of such a file.
    let maps = try await Tool.run("cat", ["/proc/\(getpid())/maps"]).output
    let line = maps.split(separator: "\n").first { $0.hasPrefix("\(node?.nodename ?? "?")-") }
    #expect(line?.hasSuffix("/memfd:librollcall-where.so (deleted)") == true)
  }

  @Test("a copy in memory is sealed, and has no more than what is loaded")
  func sealed() async throws {
    let folder = try TemporaryFolder()
    let source = try folder.write(
      """
      #include "\(BuiltProducts.checkout.path)/Tests/HostilePlugins/plain.c"
      __asm__(".pushsection .debug_ballast,\\"\\",@progbits; .zero 8388608; .popsection");
      """, to: "large.c")
    let file = try await CLibrary.build(source)
    let descriptor = open(file, O_RDONLY)
    defer { close(descriptor) }
    let size = try #require(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
    #expect(size > 8 << 20)
    let check = try ELFCheck(FileBytes(descriptor: descriptor, count: size))
    let layout = try LibraryLayout(of: check, count: size, folder: "/tmp")
    let copy = try LibraryCopy(of: descriptor, layout: layout, name: "large.so", in: .memory)
    defer { copy.discard() }
    var status = stat()
    try #require(fstat(copy.descriptor, &status) == 0)
    #expect(status.st_blocks * 512 < 256 << 10)
    #expect(pwrite(copy.descriptor, "x", 1, 0) == -1)
    #expect(ftruncate(copy.descriptor, 0) == -1)
    let copied = try ELFCheck(FileBytes(descriptor: copy.descriptor, count: copy.count))
    #expect(copied.exports("registry_plugin_entry_v1"))
  }

  @Test("a copy that can't be in memory is in a file without a name")
  func inFolder() async throws {
    let folder = try TemporaryFolder()
    let kept = try TemporaryFolder()
    _ = try copy(try await Plugins.build("plain"), to: "librollcall-plain.so", in: folder)
    let log = LogProbe()
    let places = [LibraryCopy.Place.folder("/nowhere"), .folder(kept.path)]
    let plugin = try await catalog(folder, log: log, places: places).plugin(named: "plain")
    #expect(try await firstNodes(plugin) == ["plain-1"])
    #expect(kept.names == [])
    #expect(log.all == [])
  }

  @Test("a file of which there can be no copy is used where it lies, with a warning")
  func inPlace() async throws {
    let folder = try TemporaryFolder()
    let file = try copy(try await Plugins.build("plain"), to: "librollcall-plain.so", in: folder)
    let log = LogProbe()
    let plugin = try await catalog(folder, log: log, places: [.folder("/nowhere")]).plugin(named: "plain")
    #expect(try await firstNodes(plugin) == ["plain-1"])
    #expect(
      log.all == [
        "warning: \(file) is used where it lies, as there can be no private copy of it (/nowhere can't be used, or "
          + "others may rename files in it): replace it by renaming, as install and mv do, and never write over "
          + "it, which would end this process"
      ])
  }

  // MARK: $ORIGIN

  @Test(
    "libraries that a plugin looks for beside itself are found",
    arguments: ["lld", "bfd", "gold"],
    [
      "-Wl,-rpath,$ORIGIN/more", "-Wl,-rpath,/nowhere:${ORIGIN}/more",
      "-Wl,--disable-new-dtags,-rpath,$ORIGIN/more",
    ])
  func origin(linker: String, path: String) async throws {
    if linker == "gold", access("/usr/bin/ld.gold", X_OK) != 0 { return }
    let folder = try TemporaryFolder()
    try folder.write("const char *beside(void) { return \"beside\"; }", to: "more/beside.c")
    // A name of its own: the loader knows the libraries of other cases by theirs.
    let name = "beside-\(UUID().uuidString)"
    let built = try await Tool.run(
      try CLibrary.clang,
      [
        "-shared", "-fPIC", "-Wl,-soname,lib\(name).so", "-o", folder.path("more/lib\(name).so"),
        folder.path("more/beside.c"),
      ])
    try #require(built.status == 0, "\(built)")
    let source = try folder.write(
      """
      #include "\(BuiltProducts.checkout.path)/Tests/HostilePlugins/hostile.h"
      const char *beside(void);
      static char zeros[100000];
      static registry_code start(void *instance, registry_message_v1 *message) {
        registry_affiliate_v1 one = node(beside());
        for (unsigned i = 0; i < sizeof zeros; i++) if (zeros[i]) abort();
        memset(zeros, 1, sizeof zeros);
        return snapshot(((plain_instance *)instance)->host, &one, 1, message);
      }
      PLUGIN("needs", plain_create, start, plain_stop, plain_destroy)
      """, to: "needs.c")
    let library = try await CLibrary.build(
      source, flags: ["-fuse-ld=\(linker)", "-L\(folder.path("more"))", "-l\(name)", path])
    _ = try copy(library, to: "librollcall-needs.so", in: folder)
    // Where the compiler put it there is no folder `more`.
    let log = LogProbe()
    let plugin = try await catalog(folder, log: log).plugin(named: "needs")
    #expect(try await firstNodes(plugin) == ["beside"])
    #expect(log.all == [], "it was loaded from a copy")
  }

  @Test("a plugin with $ORIGIN in a folder whose name search paths can't have is used where it lies")
  func colon() async throws {
    let folder = try TemporaryFolder()
    let library = try await Plugins.build("plain", "-Wl,-rpath,$ORIGIN")
    try folder.write("", to: "a:b/empty")
    let file = try copy(library, to: "a:b/librollcall-plain.so", in: folder)
    let log = LogProbe()
    let plugin = try await catalog(folder, log: log).plugin(at: file)
    #expect(try await firstNodes(plugin) == ["plain-1"])
    #expect(log.all.count == 1)
    #expect(log.all.first?.contains("its search path has $ORIGIN, and its folder's name has ':'") == true)
  }

  // MARK: Symbols

  @Test("what a plugin exports beyond its entry function is listed", arguments: ["gnu", "sysv"])
  func otherSymbols(style: String) async throws {
    let style = "-Wl,--hash-style=\(style)"
    let hidden = try await Plugins.load(try await Plugins.build("plain", style))
    #expect(hidden.otherSymbols == [])
    let open = try await Plugins.load(try await Plugins.build("late", style))
    #expect(open.otherSymbols.sorted() == ["late_last_code", "late_stopped_calls"])
  }

  @Test("a plugin in C++ that is linked with plugin.map exports its entry function alone")
  func versionScript() async throws {
    let source = "Tests/HostilePlugins/templates.cc"
    let map = "-Wl,--version-script=\(BuiltProducts.checkout.path)/Sources/CRegistryPlugin/plugin.map"
    let bare = try await Plugins.load(try await CLibrary.build(source))
    #expect(bare.otherSymbols.sorted() == ["_Z6sharedv", "_ZN6HolderIiE5valueE"])
    for linker in ["lld", "bfd"] {
      let plugin = try await Plugins.load(
        try await CLibrary.build(source, flags: ["-fuse-ld=\(linker)", map]))
      #expect(plugin.otherSymbols == [])
      #expect(try await firstNodes(plugin) == [])
    }
  }
}
