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
    for name in ["kubernetes", "service", "static-file"] {
      #expect(list.output.contains(prefix.path("lib/rollcall/librollcall-\(name).so")), "\(list)")
    }
  }
}
