import Foundation
import TestSupport
import Testing

@Suite(
  "The manual pages", .enabled(if: Program.isThere("groff"), "\(Program.hint)"), .timeLimit(.minutes(10)))
struct ManualTests {
  @Test("each verb has a page that groff and man-db read, with what holds for it")
  func pages() async throws {
    let folder = try TemporaryFolder()
    let script = BuiltProducts.checkout.appendingPathComponent(".ci/packaging/documents").path
    let made = try await ChildProcess.run(
      script, [BuiltProducts.rollcall, folder.path, "2026-11-26"], within: .seconds(500))
    try #require(made.status == 0, "\(made)")
    let share = folder.path("share")
    let manual = "\(share)/man/man1"
    let names = try FileManager.default.contentsOfDirectory(atPath: manual).sorted()
    for verb in try await verbs() { #expect(names.contains("rollcall-\(verb).1.gz"), "\(verb)") }
    #expect(names.contains("rollcall.1.gz") && names.contains("rollcall-plugins-check.1.gz"))

    let checked = try await ChildProcess.run(
      "bash",
      [
        "-c",
        """
        for page in "$1"/*.gz; do
          zcat "$page" | groff -mandoc -Tutf8 -wmac -wbreak -z 2>&1 | sed "s|^|$page: |"
          lexgrog "$page" >/dev/null || echo "$page: lexgrog finds no name"
        done
        """, "bash", manual,
      ], within: .seconds(120))
    #expect(checked.output == "" && checked.errors == "", "\(checked)")

    let diff = try await text(of: "\(manual)/rollcall-diff.1.gz")
    #expect(diff.contains(/\n +5 +What was compared differs/))
    let get = try await text(of: "\(manual)/rollcall-get.1.gz")
    for words in [
      "ENVIRONMENT", "ROLLCALL_SOCKET", "FILES", "/etc/rollcall/rollcall.yaml", "EXAMPLES", "Only a part",
    ] {
      #expect(get.contains(words), "\(words)")
    }
    for file in [
      "bash-completion/completions/rollcall", "zsh/site-functions/_rollcall",
      "fish/vendor_completions.d/rollcall.fish",
    ] { #expect(try contents("\(share)/\(file)").hasPrefix("#!") == false, "\(file)") }
  }

  private func text(of page: String) async throws -> String {
    let shown = try await ChildProcess.run(
      "bash", ["-c", "zcat \"$1\" | groff -mandoc -Tascii -P-c -P-b -P-u", "bash", page])
    #expect(shown.status == 0, "\(shown)")
    return shown.output
  }

  /// The verbs, as the help has them.
  private func verbs() async throws -> [String] {
    let help = try await Command.output("--help")
    let list = try #require(help.split(separator: "SUBCOMMANDS:").last).split(separator: "\n\n")[0]
    let verbs = list.split(separator: "\n").compactMap { line in
      line.hasPrefix("  ") && !line.hasPrefix("   ") ? line.split(separator: " ").first.map(String.init) : nil
    }
    #expect(verbs.count > 10)
    return verbs
  }
}
