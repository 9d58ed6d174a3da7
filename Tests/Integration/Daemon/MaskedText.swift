import Foundation

/// `text` in which everything that is of its moment has the name of what it is instead: ages, times, the server's
/// address. Columns keep two blanks between them, however wide they are.
func masked(_ text: String, servers: [String] = []) -> String {
  var text = text
  for server in servers { text = text.replacing(server, with: "<server>") }
  text = text.replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/#, with: "<moment>")
  text = text.replacing(#/\d\d:\d\d:\d\d/#, with: "<time>")
  text = text.replacing(#/\b(\d+(\.\d+)?(ms|us|µs|s|m|h|d))+\b/#, with: "<age>")
  text = text.replacing(#/ {2,}/#, with: "  ")
  // How often something was written, or told, depends on who was first.
  text = text.replacing(#/\b[a-z0-9]{5}\.\d+\b/#, with: "<revision>")
  text = text.replacing(#/\bversion(:?) \d+\b/#) { "version\($0.1) <n>" }
  text = text.replacing(#/ \d+  (<age>|never)/#) { " <n>  \($0.1)" }
  return text.split(separator: "\n", omittingEmptySubsequences: false)
    // So does how much a registry had at its first word.
    .filter { !$0.contains("starting -> synced") }
    .map { String($0).replacing(#/ +$/#, with: "") }.joined(separator: "\n")
}

/// What a file of `Fixtures/six-nodes` has, masked: the documented output, with what the real processes print
/// otherwise.
func sixNodes(_ name: String) throws -> String { masked(try contents("\(fixture("six-nodes"))/\(name).txt")) }
