import ClusterResources
import Glibc
import Platform

/// Where a person or a program reads what the command says.
enum Terminal {
  /// Writes `text` to the standard output, all of it.
  ///
  /// - Throws: ``OutputClosed`` where nobody reads it any more; ``CommandError`` where it can't be written.
  static func write(_ text: String) throws {
    try write(text, to: STDOUT_FILENO)
  }

  /// Writes `bytes` to the standard output, all of them, as they are.
  ///
  /// - Throws: as ``write(_:)``.
  static func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0, to: STDOUT_FILENO) }
  }

  /// How many characters a line of the terminal has; nil where the standard output is none.
  static var width: Int? {
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40
    else { return nil }
    return Int(size.ws_col)
  }

  /// Whether a person reads the standard error, not a program or a file.
  static var isPerson: Bool { isatty(STDERR_FILENO) == 1 }

  /// Tells of an error in one line: `rollcall: …`.
  static func error(_ message: String) {
    let prefix = Style.standardError.red("rollcall:")
    // Where nobody hears of errors, nothing is left to be told.
    try? write("\(prefix) \(message.shown)\n", to: STDERR_FILENO)
  }

  /// Tells of something that a person should know, and that is no error.
  static func note(_ message: String) {
    try? write("rollcall: \(message.shown)\n", to: STDERR_FILENO)
  }

  private static func write(_ text: String, to descriptor: Int32) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: waitUntilWritable(descriptor)
      case EPIPE: throw OutputClosed()
      default: throw CommandError("can't write the output: \(errnoText(errno))")
      }
    }
  }

  /// Waits for a reader that shares a descriptor which somebody made non-blocking.
  private static func waitUntilWritable(_ descriptor: Int32) {
    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = Glibc.poll(&poll, 1, -1)
  }
}

/// Colours, where there is a terminal to show them.
struct Style {
  let isColoured: Bool

  static let standardOutput = Style(descriptor: STDOUT_FILENO)
  static let standardError = Style(descriptor: STDERR_FILENO)

  init(isColoured: Bool) { self.isColoured = isColoured }

  /// Colours only on a terminal, not where `NO_COLOR` is set to anything, nor on a dumb one.
  init(descriptor: Int32) {
    let isUnwanted = environment("NO_COLOR").map { !$0.isEmpty } ?? false
    isColoured = isatty(descriptor) == 1 && !isUnwanted && environment("TERM") != "dumb"
  }

  func red(_ text: String) -> String { coloured(text, "31") }
  func green(_ text: String) -> String { coloured(text, "32") }
  func yellow(_ text: String) -> String { coloured(text, "33") }
  func bold(_ text: String) -> String { coloured(text, "1") }
  func dim(_ text: String) -> String { coloured(text, "2") }

  private func coloured(_ text: String, _ code: String) -> String {
    isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}

extension Terminal {
  /// Writes a line of the log. Where nobody reads it, nothing can be done.
  static func line(_ text: String) { try? write(text, to: STDERR_FILENO) }
}
