import Foundation

/// This program once more, with other arguments. It ends when its input does, or by itself.
struct Helper {
  let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  init(_ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  /// The first line that it prints; nil if it ends without one.
  func firstLine() -> String? {
    var line = Data()
    while true {
      let byte = output.fileHandleForReading.readData(ofLength: 1)
      if byte.isEmpty { return nil }
      if byte == Data("\n".utf8) { return String(decoding: line, as: UTF8.self) }
      line += byte
    }
  }

  /// Ends its input and waits for its end.
  func end() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}
