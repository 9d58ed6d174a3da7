import NIOCore
import NIOPosix
import Synchronization

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
        } catch {
          channel = try await bootstrap.bind(host: "0.0.0.0", port: address.port).get()
        }
      }
    } catch {
      throw ServiceConfigurationError("can't listen on \(address): \(error)")
    }
    channels.withLock { $0.append(channel) }
    return ListenAddress(host: address.host, port: channel.localAddress?.port ?? address.port)
  }

  func close() async {
    let all = channels.withLock { channels in
      defer { channels = [] }
      return channels
    }
    for channel in all { try? await channel.close().get() }
  }
}
