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
  /// Whole lines are written one after the other.
  private let writing = Mutex(())
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

  /// Writes `line`, which has its end, and blocks until it is written: the host reads all the time. Where nobody reads
  /// any more the process ends.
  func write(_ line: [UInt8]) {
    writing.withLock { _ in
      var rest = line[...]
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
    var splitter = LineSplitter()
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

  private func take(_ line: LineSplitter.Line) {
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
