import Foundation
import TestSupport

/// A terminal that nobody sits at, for a program that prints to it.
enum PseudoTerminal {
  /// What `executable` prints where its output is a terminal.
  static func output(
    of executable: String, _ arguments: [String], environment: [String: String], folder: String
  ) async throws -> String {
    let master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard master >= 0, grantpt(master) == 0, unlockpt(master) == 0, let name = ptsname(master) else {
      throw CocoaError(.fileReadUnknown)
    }
    defer { close(master) }
    let slave = FileHandle(fileDescriptor: open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), closeOnDealloc: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = environment.filter { !$0.value.isEmpty }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = slave
    try process.run()
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
    var collected = Data()
    try await eventually("the program ends") {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let isDone = !process.isRunning
      while case let count = read(master, &bytes, bytes.count), count > 0 { collected += bytes[..<count] }
      return isDone
    }
    return String(decoding: collected, as: UTF8.self)
  }
}
