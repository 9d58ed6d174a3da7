import Glibc

/// A TCP connection that never blocks.
///
/// The generator shares the machine with what it measures, so it talks to the system itself: with an event
/// loop and an HTTP/2 library it used three times the server's CPU and measured its own queues.
final class Socket {
  let descriptor: Int32
  /// What the kernel had no room for yet.
  private var unsent: [UInt8] = []
  private(set) var isClosed = false

  var hasUnsent: Bool { !unsent.isEmpty }

  /// - Parameter source: The address to come from.
  init(host: String, port: Int, from source: String? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError("socket") }
    if let source { try Self.bind(descriptor, source) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
      throw SystemError("the host '\(host)', which has to be an IPv4 address", code: EINVAL)
    }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw SystemError("connect to \(host):\(port)") }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
  }

  deinit { close(descriptor) }

  private static func bind(_ descriptor: Int32, _ source: String) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, source, &address.sin_addr)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard bound == 0 else { throw SystemError("bind to \(source)") }
  }

  /// Sends what there is room for of `bytes`, and says how many.
  func sendSome(_ bytes: ArraySlice<UInt8>) -> Int {
    let sent = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if sent < 0, errno != EAGAIN { isClosed = true }
    return max(sent, 0)
  }

  /// Reads once, waiting for something to come; nil where nothing does.
  func wait(into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32) -> UnsafeRawBufferPointer? {
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&event, 1, milliseconds) > 0 ? read(into: buffer) : nil
  }

  func write(_ bytes: [UInt8]) {
    guard !isClosed else { return }
    unsent.append(contentsOf: bytes)
    flush()
  }

  /// Sends what is left, as far as there is room.
  func flush() {
    guard !isClosed, !unsent.isEmpty else { return }
    let sent = unsent.withUnsafeBytes {
      send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    if sent == unsent.count {
      unsent.removeAll(keepingCapacity: true)
    } else if sent > 0 {
      unsent.removeFirst(sent)
    } else if errno != EAGAIN {
      isClosed = true
    }
  }

  /// Reads once into `buffer`; nil where nothing is there.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if count > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<count]) }
    if count == 0 || errno != EAGAIN { isClosed = true }
    return nil
  }
}

/// A call to the system that failed.
struct SystemError: Error, CustomStringConvertible {
  let description: String

  init(_ what: String, code: Int32 = errno) { description = "\(what): \(String(cString: strerror(code)))" }
}

/// The time of the steady clock in nanoseconds.
func steadyNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
