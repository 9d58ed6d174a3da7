import Dispatch
import Glibc
import Logging
import Platform
import RegistryKit
import RegistryProtocol
import Synchronization

/// The line protocol over the standard input and output of this process, which a plugin in it can't disturb by printing.
final class ProtocolChannel: Sendable {
  private let input: Int32
  private let output: Int32
  /// What isn't written yet, and whether somebody is at it.
  private let unwritten = Mutex((bytes: [UInt8](), isWriting: false))
  private let writer = DispatchQueue(label: "rollcall.protocol.write")
  /// The first line; nil where the input ended before it.
  let settings = OneShot<ProgramSettings?>()
  /// What is to be published, the newest.
  let desired: AsyncStream<DesiredPublication>
  private let desiredSink: AsyncStream<DesiredPublication>.Continuation
  /// Notified when the input is at its end.
  let ended = ChangeSignal()

  /// Takes over the standard input and output: what prints from now on, prints to the standard error.
  init() throws {
    (desired, desiredSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100)
    output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100)
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard input >= 0, output >= 0, null >= 0, dup2(null, STDIN_FILENO) >= 0,
      dup2(STDERR_FILENO, STDOUT_FILENO) >= 0
    else { throw CommandError("can't use the standard input and output: \(errnoText(errno))") }
    close(null)
  }

  /// Writes `line`, which has its end, after those before it. Lines that come faster than they are written go together;
  /// who is far ahead of the host, which reads all the time, waits for it.
  func write(_ line: [UInt8]) {
    while true {
      let (isTaken, isFirst) = unwritten.withLock { state in
        guard state.bytes.count < Self.maximumUnwritten else { return (false, false) }
        state.bytes += line
        defer { state.isWriting = true }
        return (true, !state.isWriting)
      }
      if isFirst { writer.async { self.writeAll() } }
      if isTaken { return }
      usleep(500)
    }
  }

  /// Waits until all is written.
  func drain() {
    while unwritten.withLock({ $0.isWriting }) { usleep(200) }
  }

  /// The most bytes that are kept for the host.
  private static let maximumUnwritten = 4 << 20

  /// Where nobody reads any more the process ends.
  private func writeAll() {
    while true {
      let bytes = unwritten.withLock { state in
        defer { state.bytes = [] }
        if state.bytes.isEmpty { state.isWriting = false }
        return state.bytes
      }
      guard !bytes.isEmpty else { return }
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        if count <= 0 { _exit(CommandError.failure) }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Starts to read what the host says, on a thread of its own.
  func read() { DispatchQueue(label: "rollcall.protocol").async { self.readAll() } }

  private func readAll() {
    var splitter = ProtocolLines()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(input, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      splitter.take(buffer[..<count]) { take($0) }
    }
    settings.fulfil(nil)
    ended.notify()
  }

  private func take(_ line: ProtocolLines.Line) {
    do throws(RegistryError) {
      guard case .whole(let bytes) = line else {
        throw RegistryError(.limitExceeded, "a line has more than \(ProtocolLimits.lineBytes) bytes")
      }
      switch try HostLineReader.read(bytes) {
      case .settings(let new): settings.fulfil(new)
      case .publish(let publication): desiredSink.yield(publication)
      case .other: break
      }
    } catch {
      write(
        ProgramLineWriter.failed(RegistryError(error.code, "the host's line can't be read: \(error.message)"))
      )
      drain()
      _exit(CommandError.failure)
    }
  }

  /// Logs to the host what is at least `level`.
  func logger(_ level: Logger.Level) -> Logger {
    Logger(label: "rollcall") { _ in ChannelLogHandler(channel: self, logLevel: level) }
  }
}

/// Writes each entry as one line of the protocol.
private struct ChannelLogHandler: LogHandler {
  let channel: ProtocolChannel
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let fields = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    channel.write(ProgramLineWriter.log(event.level, "\(event.message)\(fields)"))
  }
}
