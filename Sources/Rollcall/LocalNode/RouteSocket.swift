import Glibc
import Platform

/// What kept a machine's addresses from being found out.
struct NetworkError: Error, CustomStringConvertible {
  let description: String

  init(_ action: String, code: Int32 = errno) {
    description = "\(action): \(errnoText(code))"
  }
}

/// A socket to the kernel's rtnetlink. It stays in the network namespace of the thread that made it. Closed
/// when it goes.
final class RouteSocket: Sendable {
  let file: Int32

  /// - Parameter groups: the groups of changes to be told of, as bits; 0 to only ask.
  /// - Throws: ``NetworkError``, as in a sandbox without netlink.
  init(groups: UInt32 = 0) throws {
    file = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Self.closeOnExec, 0)  // NETLINK_ROUTE
    guard file >= 0 else { throw NetworkError("can't open a netlink socket") }
    // struct sockaddr_nl: family, padding, port (0: the kernel chooses), groups.
    var address: (UInt16, UInt16, UInt32, UInt32) = (UInt16(AF_NETLINK), 0, 0, groups)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, socklen_t(MemoryLayout<(UInt16, UInt16, UInt32, UInt32)>.size))
      }
    }
    guard status == 0 else {
      let error = NetworkError("can't bind a netlink socket")
      close(file)
      throw error
    }
    // The kernel answers at once; this only guards against one that doesn't.
    var timeout = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(file) }

  /// RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
  static let addressGroups: UInt32 = 0x1 | 0x10 | 0x100

  private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)

  /// Asks the kernel for all interfaces and their addresses.
  func state() throws -> NetworkState {
    // A change while the kernel answers makes the answer worthless; it is asked again, a few times.
    for attempt: UInt32 in 1...8 {
      var state = NetworkState()
      if try ask(RouteMessage.getLink, sequence: attempt * 2, into: &state),
        try ask(RouteMessage.getAddress, sequence: attempt * 2 + 1, into: &state)
      {
        return state
      }
    }
    throw NetworkError("the machine's addresses keep changing while they are read", code: EAGAIN)
  }

  /// - Returns: false where the answer was interrupted by a change.
  private func ask(_ type: UInt16, sequence: UInt32, into state: inout NetworkState) throws -> Bool {
    let request = RouteMessage.dump(type, sequence: sequence)
    guard send(file, request, request.count, 0) == request.count else {
      throw NetworkError("can't ask the kernel for addresses")
    }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(file, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw NetworkError("the kernel doesn't tell addresses") }
      switch RouteMessage.read(buffer[..<count], sequence: sequence, into: &state) {
      case .more: continue
      case .done: return true
      case .interrupted: return false
      case .refused(let code): throw NetworkError("the kernel refuses to tell addresses", code: code)
      }
    }
  }

  /// Reads away what is waiting, without waiting for more.
  func drain() {
    var buffer = [UInt8](repeating: 0, count: 8192)
    // ENOBUFS means that changes were lost: a change like another.
    while recv(file, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 || errno == EINTR {}
  }
}
