import NIOCore
import NIOPosix
import Platform
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The sockets that a service listens on.
final class ListenerList: Sendable {
  private let channels = Mutex<[any Channel]>([])

  /// Binds `address` and returns it with the port that was taken.
  ///
  /// - Throws: ``ServiceConfigurationError`` that names the address and the reason.
  func bind(_ bootstrap: ServerBootstrap, _ address: ListenAddress) async throws -> ListenAddress {
    let channel: any Channel
    do {
      if let host = address.host {
        channel = try await bootstrap.bind(host: host, port: address.port).get()
      } else {
        // One socket for both families; a machine without IPv6 has only the other.
        do {
          channel = try await bootstrap.bind(host: "::", port: address.port).get()
        } catch let error as IOError where Self.noIPv6.contains(error.errnoCode) {
          channel = try await bootstrap.bind(host: "0.0.0.0", port: address.port).get()
        }
      }
    } catch {
      throw ServiceConfigurationError("can't listen on \(address): \(Self.text(error))")
    }
    channels.withLock { $0.append(channel) }
    return ListenAddress(host: address.host, port: channel.localAddress?.port ?? address.port)
  }

  /// What the system says where it has no IPv6.
  private static let noIPv6: Set<Int32> = [EAFNOSUPPORT, EADDRNOTAVAIL, EPROTONOSUPPORT]

  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError: errnoText(error.errnoCode)
    case is SocketAddressError: "there is no such host"
    default: "\(error)"
    }
  }

  func close() async {
    let all = channels.withLock { channels in
      defer { channels = [] }
      return channels
    }
    for channel in all { try? await channel.close().get() }
  }
}
