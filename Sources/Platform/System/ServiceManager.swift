#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What started this process and wants to know how it is: systemd, where it runs as a unit of `Type=notify-reload`
/// (sd_notify(3)). Where nothing wants to know, telling does nothing.
package struct ServiceManager: Sendable {
  private let address: [UInt8]?
  /// How often it wants to hear that the process goes on; nil: never.
  package let watchdogInterval: Duration?

  /// The manager that the environment names.
  ///
  /// - Parameter environment: reads a variable of the environment.
  package init(environment: (String) -> String?) {
    let path = environment("NOTIFY_SOCKET") ?? ""
    var bytes = Array(path.utf8)
    // A name that begins with "@" is one without a file.
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    let isPath = bytes.first == UInt8(ascii: "/") || bytes.first == 0
    address = isPath && bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) ? bytes : nil
    let isMeant = environment("WATCHDOG_PID").map { Int32($0) == getpid() } ?? true
    let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
    watchdogInterval = address != nil && isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
  }

  /// What it can be told.
  package enum Notice: Sendable {
    /// The start is over, or a reload is.
    case ready
    /// A reload has begun.
    case reloading
    /// The end has begun.
    case stopping
    /// The process goes on.
    case alive
    /// How it is, in a line for a person.
    case status(String)
  }

  /// Tells it `notices`, in one message.
  ///
  /// - Returns: whether it was told: false where nothing wants to know, or it can't be reached.
  @discardableResult
  package func notify(_ notices: Notice...) -> Bool {
    guard let address else { return false }
    let text = notices.map(Self.line).joined(separator: "\n")
    let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return false }
    defer { close(socket) }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: address) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count)
    let bytes = Array(text.utf8)
    let sent = withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
    return sent == bytes.count
  }

  /// Tells it that the process goes on, as often as it wants to hear that, until the task is cancelled.
  ///
  /// - Parameter check: returns if all is well; what blocks keeps the process from being called alive.
  package func keepAlive(_ check: () -> Void) async {
    let time = TimeSource()
    guard let interval = watchdogInterval else {
      try? await time.sleep(DurationText.longest)
      return
    }
    while !Task.isCancelled {
      check()
      notify(.alive)
      try? await time.sleep(interval / 3)
    }
  }

  private static func line(_ notice: Notice) -> String {
    switch notice {
    case .ready: return "READY=1"
    case .reloading:
      // It tells an old message from a new one by the time (systemd.service(5), notify-reload).
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return "RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)"
    case .stopping: return "STOPPING=1"
    case .alive: return "WATCHDOG=1"
    case .status(let text): return "STATUS=\(text.split(whereSeparator: \.isNewline).joined(separator: " "))"
    }
  }
}
