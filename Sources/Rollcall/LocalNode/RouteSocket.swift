import Glibc
import Netlink
import Platform

/// What kept a machine's addresses from being found out.
struct NetworkError: Error, CustomStringConvertible {
  let description: String

  init(_ action: String, code: Int32 = errno) {
    description = "\(action): \(errnoText(code))"
  }

  fileprivate init(_ action: String, _ error: NetlinkError) { description = "\(action): \(error)" }
}

/// Asks the kernel for addresses, and is told of their changes. It stays in the network namespace of the thread that
/// made it.
final class RouteSocket: Sendable {
  private let socket: NetlinkSocket

  /// Readable when something changed.
  var file: Int32 { socket.file }

  /// - Parameter groups: the groups of changes to be told of, as bits; 0 to only ask.
  /// - Throws: ``NetworkError``, as in a sandbox without netlink.
  init(groups: UInt32 = 0) throws {
    do throws(NetlinkError) {
      socket = try NetlinkSocket(Netlink.route, groups: groups)
    } catch {
      throw NetworkError("can't open a netlink socket", error)
    }
  }

  /// RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
  static let addressGroups: UInt32 = 0x1 | 0x10 | 0x100

  /// Asks the kernel for all interfaces and their addresses.
  func state() throws -> NetworkState {
    do throws(NetlinkError) {
      return NetworkState(
        interfaces: try socket.dump(NetworkInterface.dump).compactMap(NetworkInterface.init),
        addresses: try socket.dump(InterfaceAddress.dump).compactMap(InterfaceAddress.init))
    } catch {
      throw NetworkError("the kernel doesn't tell addresses", error)
    }
  }

  /// Reads away what is waiting, without waiting for more.
  func drain() { socket.drain() }
}
