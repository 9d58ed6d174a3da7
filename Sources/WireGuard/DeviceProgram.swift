import ClusterModel
import Glibc
import Platform

/// wireguard-go, as the program that does a device's work. It goes on when this process ends, so that the tunnel stands
/// meanwhile, and the next one finds it by the socket that it serves.
struct DeviceProgram: Sendable {
  /// The name by which it is looked for in PATH.
  var command = "wireguard-go"
  /// Where its sockets are, which is fixed in it.
  var folder = ConfigurationSocket.standardFolder
  /// How long it may take to begin, and to end.
  var patience = Duration.seconds(5)

  /// What marks it as ours in its environment from its very start, before its interface can be marked.
  private static let variable = "ROLLCALL_DEVICE"
  /// Beyond so many bytes its log is begun anew: it says something of each peer that it can't reach every 5 s.
  private static let maximumLog: Int64 = 64 << 10

  /// The socket of the device `interface`.
  func socketPath(_ interface: String) -> String { "\(folder)/\(interface).sock" }
  /// What it complains of.
  private func logPath(_ interface: String) -> String { "\(folder)/\(interface).log" }

  /// Starts it, and waits until it serves its socket.
  ///
  /// - Returns: its process id. It is a child of this process.
  /// - Throws: ``DeviceError`` with the end of what it said.
  func start(_ interface: String, mark: String) throws(DeviceError) -> Int32 {
    // Its folder is made by itself; the log is there before.
    mkdir(folder, 0o755)
    let path = logPath(interface)
    let log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard log >= 0 else {
      throw DeviceError(.failed, "\(quoted(path)) can't be written: \(errnoText(errno))")
    }
    defer { close(log) }
    var program = ChildProgram(command, ["-f", interface])
    program.environment = [Self.variable: Self.value(interface, mark), "LOG_LEVEL": "error"]
    let child: Int32
    do throws(ChildProgram.Failure) {
      child = try program.startApart(output: log)
    } catch {
      throw failure(toStart: error)
    }
    let deadline = ContinuousClock.now + patience
    while true {
      if Self.hasEnded(child) {
        throw DeviceError(.failed, "\(command) -f \(interface) ended at once: \(complaint(interface))")
      }
      if let socket = try ConfigurationSocket(path: socketPath(interface)), socket.processID == child {
        return child
      }
      guard ContinuousClock.now < deadline else {
        end(child)
        throw DeviceError(
          .failed,
          "\(command) -f \(interface) doesn't serve \(quoted(socketPath(interface))): \(complaint(interface))"
        )
      }
      usleep(2000)
    }
  }

  private func failure(toStart failure: ChildProgram.Failure) -> DeviceError {
    guard case .notStarted(let why, let isMissing) = failure else {
      return DeviceError(.failed, "\(failure)")
    }
    return isMissing
      ? DeviceError(
        .missingProgram,
        "this kernel has no WireGuard, and there is no \(quoted(command)) in PATH: install the package wireguard-go"
      )
      : DeviceError(.failed, "\(command) can't be started: \(why)")
  }

  /// The end of what it said, on one line.
  private func complaint(_ interface: String) -> String {
    let bytes = (try? BoundedFile.read(logPath(interface), limit: 1 << 20))?.bytes ?? []
    let lines = String(decoding: bytes, as: UTF8.self).lines
      .filter { !$0.isEmpty && $0.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 } }
    return lines.isEmpty ? "it says nothing" : String(lines.suffix(3).joined(separator: "; ").suffix(500))
  }

  /// Whether the process was started by us for that device.
  func isOurs(_ processID: Int32, _ interface: String, mark: String) -> Bool {
    guard let bytes = (try? BoundedFile.read("/proc/\(processID)/environ", limit: 1 << 20))?.bytes else {
      return false
    }
    let variable = "\(Self.variable)=\(Self.value(interface, mark))".utf8
    return bytes.split(separator: 0).contains { $0.elementsEqual(variable) }
  }

  private static func value(_ interface: String, _ mark: String) -> String { "\(interface), \(mark)" }

  /// Ends what was started by us for that device, of this network namespace, and isn't reached by its socket any more.
  /// While it ends it would take the next one's socket away.
  func endLeftovers(_ interface: String, mark: String) {
    guard let stream = opendir("/proc") else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let processID = Int32(name), isOurs(processID, interface, mark: mark),
        let namespace = try? NetworkNamespace(processID: processID), namespace == NetworkNamespace.current
      else { continue }
      end(processID)
    }
  }

  /// Begins its log anew where that has grown long. It writes at the file's end, wherever that is.
  func trimLog(_ interface: String) {
    var status = stat()
    let path = logPath(interface)
    if lstat(path, &status) == 0, status.st_size > Self.maximumLog { truncate(path, 0) }
  }

  /// Ends it and waits for that; takes away what it leaves behind.
  func end(_ processID: Int32, of interface: String) {
    end(processID)
    let socket = socketPath(interface)
    // One that was killed leaves its socket; somebody else's stays.
    if (try? ConfigurationSocket.isServed(socket)) == false { unlink(socket) }
    unlink(logPath(interface))
  }

  private func end(_ processID: Int32) {
    for signal in [SIGTERM, SIGKILL] {
      guard kill(processID, signal) == 0 else { break }
      let deadline = ContinuousClock.now + patience
      while ContinuousClock.now < deadline {
        if Self.hasEnded(processID) { return }
        usleep(2000)
      }
    }
  }

  /// Whether it has ended; a child of ours is put away then.
  static func hasEnded(_ processID: Int32) -> Bool {
    var status: Int32 = 0
    switch waitpid(processID, &status, WNOHANG) {
    case processID: return true
    // A child of ours that goes on: while its last threads end, /proc shows it as ended already, and who believed that
    // would never put it away.
    case 0: return false
    default: break
    }
    // Somebody else's, not put away yet: its line in /proc has the state behind its name, which is in brackets.
    guard let bytes = (try? BoundedFile.read("/proc/\(processID)/stat", limit: 4096))?.bytes,
      let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return kill(processID, 0) != 0 && errno == ESRCH }
    return bytes.dropFirst(bracket + 2 - bytes.startIndex).first.map { "ZX".utf8.contains($0) } ?? true
  }
}
