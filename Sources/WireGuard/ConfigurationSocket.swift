import ClusterModel
import Glibc
import Platform

/// A connection to the program that serves a userspace device. Blocks, for seconds at most. Closed when it goes.
///
/// A socket's path knows no network namespace: whoever serves it may have the device of that name in another one. So it
/// is only believed after a look at who that is.
final class ConfigurationSocket: Sendable {
  /// Where devices have their sockets, by their names.
  static let standardFolder = "/var/run/wireguard"

  /// The process that serves it.
  let processID: Int32
  private let file: Int32
  private let path: String

  /// Connects.
  ///
  /// - Returns: nil where nobody serves it: no such file, or one that was left behind, or whose server is about to end.
  /// - Throws: ``DeviceError/Code/notOurs`` where a process of another network namespace serves it.
  init?(path: String) throws(DeviceError) {
    self.path = path
    guard let file = try Self.connected(to: path) else { return nil }
    self.file = file
    // struct ucred: process, user, group; of who began to listen.
    var peer: (Int32, UInt32, UInt32) = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: peer))
    guard getsockopt(file, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else {
      let code = errno
      close(file)
      throw DeviceError(.failed, "can't find out who serves \(quoted(path)): \(errnoText(code))")
    }
    processID = peer.0
    // From here on the end of this object closes the file.
    guard try Self.isInOurNamespace(processID, serving: path) else { return nil }
  }

  deinit { close(file) }

  /// Whether anybody serves it, whoever that is.
  static func isServed(_ path: String) throws(DeviceError) -> Bool {
    guard let file = try connected(to: path) else { return false }
    close(file)
    return true
  }

  /// A connected socket's descriptor; nil where nobody serves it.
  private static func connected(to path: String) throws(DeviceError) -> Int32? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let size = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < size else {
      throw DeviceError(.invalid, "\(quoted(path)) is too long for the path of a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard file >= 0 else { throw DeviceError(.failed, "can't open a socket: \(errnoText(errno))") }
    // Bounds the connecting too.
    var timeout = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(file, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status != 0 else { return file }
    let code = errno
    close(file)
    if code == ENOENT || code == ECONNREFUSED { return nil }
    throw DeviceError(
      code == EACCES || code == EPERM ? .notPermitted : .failed,
      "can't connect to \(quoted(path)): \(errnoText(code))")
  }

  /// Whether a process is in the network namespace of this one; false where it is about to end.
  ///
  /// - Throws: ``DeviceError/Code/notOurs`` where it is in another one, or that can't be told.
  private static func isInOurNamespace(
    _ processID: Int32, serving path: String
  ) throws(DeviceError) -> Bool {
    // 0: of a process namespace that isn't seen from here.
    guard processID > 0 else {
      throw foreign(path, "a process of another process namespace")
    }
    let theirs: NetworkNamespace?
    do throws(NetworkNamespace.ProcessGone) {
      theirs = try NetworkNamespace(processID: processID)
    } catch {
      return false
    }
    guard let theirs, let ours = NetworkNamespace.current else {
      throw foreign(path, "process \(processID), whose network namespace can't be found out")
    }
    guard theirs == ours else { throw foreign(path, "process \(processID) of another network namespace") }
    return true
  }

  private static func foreign(_ path: String, _ server: String) -> DeviceError {
    DeviceError(
      .notOurs,
      "\(quoted(path)) is served by \(server); choose another name with 'interface' in the KubeSpan settings")
  }

  /// What the device answers to `text`.
  ///
  /// - Parameter patience: how long all of it may take, beyond the time that one piece of it may.
  func ask(_ text: String, patience: Duration = .seconds(10)) throws(DeviceError) -> [UInt8] {
    let deadline = ContinuousClock.now + patience
    try send(Array(text.utf8))
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !ConfigurationText.isWhole(answer) {
      let count = recv(file, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        // It closes without an answer what it doesn't understand, and when it ends.
        guard count < 0 else { throw failure("it closed the connection", isGone: true) }
        throw failure(
          errno == EAGAIN ? "no answer within 5 s" : errnoText(errno), isGone: errno == ECONNRESET)
      }
      answer += buffer[..<count]
      guard answer.count <= ConfigurationText.maximumAnswer else {
        throw failure("more than \(ConfigurationText.maximumAnswer) bytes of answer", isGone: false)
      }
      guard ContinuousClock.now < deadline else {
        throw failure("no whole answer within \(DurationText.text(of: patience))", isGone: false)
      }
    }
    return answer
  }

  private func send(_ bytes: [UInt8]) throws(DeviceError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let file = file
      let count = rest.withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw failure(errnoText(errno), isGone: errno == EPIPE || errno == ECONNRESET)
      }
      rest = rest.dropFirst(count)
    }
  }

  private func failure(_ explanation: String, isGone: Bool) -> DeviceError {
    DeviceError(isGone ? .gone : .failed, "\(quoted(path)), a WireGuard device's socket: \(explanation)")
  }
}
