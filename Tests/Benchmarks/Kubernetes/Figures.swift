import Foundation

/// What one process measured of a registry, from its start to the last of its changes.
struct SyncFigures: Codable {
  /// What it took until changes that were made one by one were seen.
  struct Changes: Codable {
    var count: Int
    /// Milliseconds.
    var median: Double
    /// Milliseconds, of which one in a hundred changes took more.
    var most: Double
    /// Microseconds of CPU of each, of the whole process.
    var cpu: Double
    /// MB.
    var peak: Double
  }

  var nodes: Int
  /// Until all nodes were in the merged view.
  var seconds: Double
  var cpuSeconds: Double
  /// The most memory until then, in MB.
  var peak: Double
  var changes: Changes?

  /// The figures for a person.
  var lines: String {
    var lines =
      "\(nodes) Nodes in the merged view after \(text(seconds, 2)) s, CPU \(text(cpuSeconds, 2)) s, "
      + "peak RSS \(text(peak)) MB"
    if let changes {
      lines +=
        "\n\(changes.count) changes: median \(text(changes.median, 2)) ms until visible, "
        + "99 % within \(text(changes.most, 2)) ms, CPU \(text(changes.cpu, 0)) µs each, "
        + "peak RSS \(text(changes.peak)) MB"
    }
    return lines
  }
}

/// How fast one process read a list.
struct DecodeFigures: Codable {
  var reader: String
  var nodes: Int
  var megabytes: Double
  var milliseconds: Double
  var cpuMilliseconds: Double
  /// MB above what was resident before.
  var peak: Double

  /// MB that a second of CPU reads.
  var speed: Double { megabytes / cpuMilliseconds * 1000 }

  /// The figures for a person.
  var lines: String {
    "\(reader): \(nodes) Nodes, \(text(megabytes)) MB, \(text(milliseconds)) ms, CPU \(text(cpuMilliseconds)) ms, "
      + "\(text(speed)) MB/s of CPU, peak RSS +\(text(peak)) MB"
  }
}

/// What a process that measures tells the one that asked, in a line of JSON.
enum Figures {
  static func tell(_ figures: some Encodable) throws {
    print(String(decoding: try JSONEncoder().encode(figures), as: UTF8.self))
  }

  /// What this program measures when it is run once more with `arguments`.
  static func measured<Value: Decodable>(_ type: Value.Type, _ arguments: [String]) throws -> Value {
    let helper = try Helper(arguments)
    defer { helper.process.waitUntilExit() }
    guard let line = helper.firstLine() else { throw Missing(arguments: arguments) }
    return try JSONDecoder().decode(Value.self, from: Data(line.utf8))
  }

  struct Missing: Error, CustomStringConvertible {
    let arguments: [String]
    var description: String { "'\(arguments.joined(separator: " "))' ended without figures" }
  }
}
