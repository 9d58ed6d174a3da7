import CRegistryPlugin
import Foundation
import TestSupport
import Testing

/// Guards the published boundary: a struct or number that changes breaks every plugin that exists, in silence.
@Suite("The boundary's layout", .timeLimit(.minutes(2)))
struct LayoutTests {
  private func golden() throws -> String {
    let file = try #require(
      Bundle.module.url(forResource: "abi-v1", withExtension: "txt", subdirectory: "Golden"))
    return try String(contentsOf: file, encoding: .utf8)
  }

  @Test("version 1 is what it was when it was published")
  func version1() async throws {
    let folder = try TemporaryFolder()
    let program = folder.path("abi")
    let checkout = BuiltProducts.checkout.path
    let built = try await Tool.run(
      try CLibrary.clang,
      [
        "-I", "\(checkout)/Sources/CRegistryPlugin/include", "-o", program,
        "\(checkout)/Tests/Support/ABI/abi.c",
      ])
    try #require(built.status == 0, "\(built)")
    let printed = try await Tool.run(program, [])
    let advice: Comment = """
      registry_plugin.h has another layout than the published version 1. Take the change back, and add to it \
      instead: a new struct with a new name (registry_…_v2) and a new function at the end of a table, with \
      REGISTRY_ABI_MINOR raised. Lines that are only added (a function at the end of a table, a new struct or \
      code) are then put into abi-v1.txt; a line that is there never changes, but for REGISTRY_ABI_MINOR and the \
      size of a table.
      """
    #expect(printed.output == (try golden()), advice)
  }

  @Test(
    "the declarations for Rust are the header's",
    .enabled(if: RustCompiler.path != nil, Comment(rawValue: RustCompiler.absence)))
  func rust() async throws {
    let folder = try TemporaryFolder()
    let program = folder.path("abi")
    let source = BuiltProducts.checkout.appendingPathComponent("Tests/Support/ABI/abi.rs").path
    let built = try await Tool.run(
      try #require(RustCompiler.path), ["--edition", "2021", "-D", "warnings", "-o", program, source])
    try #require(built.status == 0, "\(built)")
    #expect(try await Tool.run(program, []).output == (try golden()))
  }

  @Test(
    "the headers are valid C and C++ of each age, without a warning",
    arguments: [["c", "c99"], ["c", "c17"], ["c++", "c++11"], ["c++", "c++20"]],
    ["registry_plugin.h", "registry_options.h"])
  func languages(language: [String], header: String) async throws {
    let folder = try TemporaryFolder()
    // A header by itself is compiled with other warnings than one that is included.
    let source = try folder.write("#include \"\(header)\"\nint nothing;\n", to: "source")
    let checked = try await Tool.run(
      try CLibrary.clang,
      [
        "-x", language[0], "-std=\(language[1])", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
        "-Wconversion",
        "-Wshadow", "-Werror", "-I", "\(BuiltProducts.checkout.path)/Sources/CRegistryPlugin/include", source,
      ])
    #expect(checked.status == 0, "\(checked)")
  }

  @Test("Swift sees the structs as C does")
  func swift() throws {
    let golden = try golden()
    func line(_ name: String, _ layout: (size: Int, alignment: Int)) -> String {
      "\(name) size \(layout.size) alignment \(layout.alignment)\n"
    }
    func layout<Value>(_: Value.Type) -> (Int, Int) {
      (MemoryLayout<Value>.stride, MemoryLayout<Value>.alignment)
    }
    #expect(golden.contains(line("registry_affiliate_v1", layout(registry_affiliate_v1.self))))
    #expect(golden.contains(line("registry_plugin_v1", layout(registry_plugin_v1.self))))
    #expect(golden.contains(line("registry_host_v1", layout(registry_host_v1.self))))
    #expect(golden.contains(line("registry_settings_v1", layout(registry_settings_v1.self))))
    #expect(golden.contains(line("registry_address_v1", layout(registry_address_v1.self))))
    #expect(golden.contains(line("registry_publication_v1", layout(registry_publication_v1.self))))
    #expect(golden.contains(line("registry_update_v1", layout(registry_update_v1.self))))
    #expect(golden.contains(line("registry_report_v1", layout(registry_report_v1.self))))
    #expect(golden.contains(line("registry_batch_v1", layout(registry_batch_v1.self))))
    #expect(golden.contains(line("registry_label_v1", layout(registry_label_v1.self))))
  }
}
