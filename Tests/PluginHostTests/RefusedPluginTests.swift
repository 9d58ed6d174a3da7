import Foundation
import TestSupport
import Testing

@testable import PluginHost

/// Each refusal is one line that names the file, the reason and what would be right.
@Suite("Plugins that are refused", .timeLimit(.minutes(5)))
struct RefusedPluginTests {
  /// Loads `file`, which fails, and gives the line without the file's name.
  private func reason(_ file: String, code: PluginError.Code) async throws -> String {
    do {
      _ = try await Plugins.load(file)
      Issue.record("\(file) was loaded")
      return ""
    } catch let error as PluginError {
      #expect(error.code == code)
      #expect(error.description.hasPrefix("\(file): "))
      #expect(!error.description.contains("\n"))
      // Others go on.
      #expect(try await Plugins.load(try await Plugins.build("plain")).descriptor.name == "plain")
      return error.reason
    }
  }

  @Test("a file that isn't there")
  func missing() async throws {
    #expect(
      try await reason("/nowhere/librollcall-x.so", code: .notFound)
        == "no such file; a plugin is a shared library (.so)")
  }

  @Test("a text file")
  func text() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("#!/bin/sh\n", to: "librollcall-text.so")
    #expect(
      try await reason(file, code: .notALibrary) == "isn't an ELF file; a plugin is a shared library (.so)")
    let empty = try folder.write("", to: "librollcall-empty.so")
    #expect(
      try await reason(empty, code: .notALibrary) == "isn't an ELF file; a plugin is a shared library (.so)")
  }

  @Test("a folder")
  func directory() async throws {
    #expect(
      try await reason("/usr", code: .notALibrary)
        == "isn't a regular file; a plugin is a shared library (.so)")
  }

  @Test("a library that is cut off, wherever it is")
  func truncated() async throws {
    let folder = try TemporaryFolder()
    let whole = [UInt8](try Data(contentsOf: URL(filePath: try await Plugins.build("plain"))))
    // Every cut by the check alone, some by the whole way.
    for length in 0..<whole.count {
      #expect(throws: ELFCheck.Problem.self) { try ELFCheck(FileBytes(Array(whole[..<length]))) }
    }
    for length in [16, 63, 64, 200, 4096, whole.count / 2, whole.count - 1] {
      let file = folder.path("librollcall-\(length).so")
      try Data(whole[..<length]).write(to: URL(filePath: file))
      #expect(try await reason(file, code: .notALibrary).hasPrefix("is truncated: it has \(length) bytes"))
    }
  }

  @Test("any bytes at all trap nothing")
  func mangled() async throws {
    let file = try await Plugins.build("plain", "-Wl,-rpath,$ORIGIN/lib")
    let whole = [UInt8](try Data(contentsOf: URL(filePath: file)))
    var random = Xorshift()
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<(1 + Int(random.next() % 8)) {
        // Mostly within the headers, where it hurts.
        let limit = random.next() % 4 == 0 ? bytes.count : 1024
        bytes[Int(random.next() % UInt64(limit))] =
          [0, 0xFF, 0x7F, 1, UInt8(random.next() % 256)][
            Int(random.next() % 5)]
      }
      if let check = try? ELFCheck(FileBytes(bytes)) {
        _ = check.exports("registry_plugin_entry_v1")
        _ = check.exportedSymbols()
        if let layout = try? LibraryLayout(of: check, count: bytes.count, folder: "/opt/plugins") {
          #expect(layout.parts.allSatisfy { $0.upperBound <= UInt64(bytes.count) })
        }
      }
    }
    #expect(try ELFCheck(FileBytes(whole)).exports("registry_plugin_entry_v1"))
    #expect(try !ELFCheck(FileBytes(whole)).exports("registry_plugin_entry_v2"))
  }

  @Test("an old hash table is looked into too", arguments: ["gnu", "sysv"])
  func hashStyles(style: String) async throws {
    let file = try await Plugins.build("plain", "-Wl,--hash-style=\(style)")
    let check = try ELFCheck(FileBytes([UInt8](try Data(contentsOf: URL(filePath: file)))))
    #expect(check.exports("registry_plugin_entry_v1"))
    #expect(!check.exports("plain_start"))
    #expect(!check.exports("malloc"), "malloc is needed, not exported")
  }

  @Test("a library for another machine")
  func machine() async throws {
    let folder = try TemporaryFolder()
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: try await Plugins.build("plain"))))
    bytes[18] = 22
    bytes[19] = 0
    let file = folder.path("librollcall-s390x.so")
    try Data(bytes).write(to: URL(filePath: file))
    #expect(try await reason(file, code: .notALibrary).hasPrefix("is for s390x; build it for "))
    bytes[4] = 1
    try Data(bytes).write(to: URL(filePath: file))
    #expect(
      try await reason(file, code: .notALibrary).hasPrefix(
        "is for another kind of machine; build it as a 64-bit"))
  }

  @Test("a program")
  func program() async throws {
    let folder = try TemporaryFolder()
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: try await Plugins.build("plain"))))
    bytes[16] = 2
    let file = folder.path("librollcall-program.so")
    try Data(bytes).write(to: URL(filePath: file))
    #expect(
      try await reason(file, code: .notALibrary)
        == "is an ELF file, but not a shared library; link it with -shared")
  }

  @Test("a library without the entry function")
  func noEntry() async throws {
    #expect(
      try await reason(try await Plugins.build("no_entry"), code: .notAPlugin)
        == "doesn't export registry_plugin_entry_v1, so it isn't a registry plugin of version 1; see registry_plugin.h"
    )
  }

  @Test("a plugin of another version: both versions are told")
  func version() async throws {
    #expect(
      try await reason(try await Plugins.build("wrong_major"), code: .wrongVersion)
        == "it was made for plugin ABI 2.7, and this host speaks 1.0; build it against a registry_plugin.h of version 1"
    )
  }

  @Test("a table that is too small", arguments: [0, 4, 8, 56])
  func smallTable(size: Int) async throws {
    #expect(
      try await reason(try await Plugins.build("small_table", "-DSIZE=\(size)"), code: .malformed)
        == "its table says that it has \(size) bytes; version 1 has at least 64")
  }

  @Test("no table")
  func nullTable() async throws {
    #expect(
      try await reason(try await Plugins.build("null_table"), code: .malformed)
        == "registry_plugin_entry_v1 returned NULL instead of its table")
  }

  @Test(
    "NULL or nonsense in the table or the descriptor",
    arguments: [
      ("table.descriptor = NULL", "its table's descriptor is NULL, and is required"),
      ("table.create = NULL", "its table's create is NULL, and is required"),
      ("table.start = NULL", "its table's start is NULL, and is required"),
      ("table.stop = NULL", "its table's stop is NULL, and is required"),
      ("table.destroy = NULL", "its table's destroy is NULL, and is required"),
      (
        "descriptor.flags = REGISTRY_PUBLISHES",
        "its table's publish is NULL, and is required as its descriptor has REGISTRY_PUBLISHES"
      ),
      ("descriptor.name.data = NULL", "its descriptor's name is NULL, and is required"),
      ("descriptor.version.data = NULL", "its descriptor's version is NULL, and is required"),
      ("descriptor.prefix.data = NULL", "its descriptor's prefix is NULL, and is required"),
      ("descriptor.summary.data = NULL", "its descriptor's summary is NULL, and is required"),
      ("descriptor.options_schema.data = NULL", "its descriptor's options_schema is NULL, and is required"),
      ("descriptor.version.length = 0", "its descriptor's version is empty, and is required"),
      ("descriptor.summary = registry_string(\"\\xff\")", "its descriptor's summary isn't UTF-8"),
      (
        "descriptor.summary.length = (size_t)-1",
        "its descriptor's summary has 18446744073709551615 bytes, more than the 4096 allowed"
      ),
      (
        "descriptor.name = registry_string(\"Rack 1\")",
        "its descriptor's name is 'Rack 1'; it should be 1 to 64 of a-z, 0-9 and '-', a letter first"
      ),
      (
        "descriptor.prefix = registry_string(\"a/b\")",
        "its descriptor's prefix is 'a/b'; it should be 1 to 64 of a-z, 0-9 and '-', a letter first"
      ),
      (
        "descriptor.options_schema = registry_string(\"{\")",
        "its descriptor's options_schema is wrong: 1:2: a key in quotes is expected"
      ),
    ])
  func fields(change: String, expected: String) async throws {
    let file = try await Plugins.build("null_field", "-DCHANGE=\(change)")
    #expect(try await reason(file, code: .malformed) == expected)
  }

  @Test("a plugin that needs a function that nobody has")
  func unresolved() async throws {
    let reason = try await reason(try await Plugins.build("unresolved"), code: .loadFailed)
    #expect(reason.hasPrefix("can't be loaded: "))
    #expect(reason.contains("undefined symbol: nobody_has_this"))
  }

  @Test("a plugin that takes too long to load is given up, and others load after it")
  func slowConstructor() async throws {
    // It waits until there is this file.
    let folder = try TemporaryFolder()
    let file = try await Plugins.build("slow", "-DGATE=\"\(folder.path("gate"))\"")
    defer { _ = try? folder.write("", to: "gate") }
    let hasty = PluginCatalog(
      directories: PluginDirectories(folders: []), loadTimeout: .milliseconds(50), logger: Plugins.silent)
    await #expect(
      throws: PluginError(.deadlineExceeded, "\(file): loading took longer than 0.05 seconds")
    ) { try await hasty.plugin(at: file) }
    try folder.write("", to: "gate")
    #expect(try await Plugins.load(try await Plugins.build("plain")).descriptor.name == "plain")
    #expect(try await Plugins.load(file).descriptor.name == "slow")
  }
}

/// Numbers that look random and are the same in each run.
struct Xorshift: RandomNumberGenerator {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
