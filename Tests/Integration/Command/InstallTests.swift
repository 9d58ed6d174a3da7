import Foundation
import TestSupport
import Testing

@Suite struct InstallTests {
  @Test("what make install copies works from where it lies: the command finds its plugins beside it")
  func installed() async throws {
    let prefix = try TemporaryFolder()
    let script = BuiltProducts.checkout.appendingPathComponent(".ci/install").path
    let copied = try await ChildProcess.run(script, [BuiltProducts.folder.path, prefix.path])
    #expect(copied.status == 0, "\(copied)")
    let list = try await ChildProcess.run(
      prefix.path("bin/rollcall"), ["plugins", "list"], environment: Command.environment,
      folder: prefix.path)
    #expect(list.status == 0, "\(list)")
    for name in ["exec", "http", "kubernetes", "service", "static-file"] {
      #expect(list.output.contains(prefix.path("lib/rollcall/librollcall-\(name).so")), "\(list)")
    }
  }

  @Test("what authors of plugins need is installed, and a plugin can be built and used with it alone")
  func authors() async throws {
    let prefix = try TemporaryFolder()
    let script = BuiltProducts.checkout.appendingPathComponent(".ci/install").path
    let copied = try await ChildProcess.run(script, [BuiltProducts.folder.path, prefix.path])
    #expect(copied.status == 0, "\(copied)")
    let example = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/CRegistry/registry.c").path
    let source = try prefix.write(
      try contents(example).replacing("\"registry_options.h\"", with: "<rollcall/registry_options.h>"),
      to: "hosts.c")
    let library = prefix.path("librollcall-hosts.so")
    let built = try await Tool.run(
      try CLibrary.clang,
      [
        "-shared", "-fPIC", "-pthread", "-I", prefix.path("include"), "-o", library, source,
        "-Wl,--version-script=\(prefix.path("share/rollcall/plugin.map"))",
      ])
    try #require(built.status == 0, "\(built)")
    #expect(
      try contents(prefix.path("share/rollcall/registry_plugin.rs")).contains("pub struct registry_plugin_v1")
    )
    let shown = try await ChildProcess.run(
      prefix.path("bin/rollcall"), ["plugins", "show", library], environment: Command.environment,
      folder: prefix.path)
    #expect(shown.output.contains("hosts"), "\(shown)")
  }
}
