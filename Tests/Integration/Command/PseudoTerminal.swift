import Foundation
import Glibc
import TestSupport

/// A terminal that nobody sits at, for a program that prints to it.
enum PseudoTerminal {
  /// What `executable` prints where its output, and its errors too where `hasErrors`, are a terminal.
  static func output(
    of executable: String, _ arguments: [String], environment: [String: String], folder: String,
    hasErrors: Bool = false
  ) async throws -> String {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    defer { close(master) }
    // Unlock the other side, and ask for its number.
    var locked: Int32 = 0
    var number: UInt32 = 0
    guard ioctl(master, 0x4004_5431, &locked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    let slave = FileHandle(
      fileDescriptor: open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC), closeOnDealloc: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = environment.filter { !$0.value.isEmpty }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = slave
    if hasErrors { process.standardError = slave }
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
