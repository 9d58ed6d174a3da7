import Glibc
import NIOCore

/// Who is at the other end of a Unix socket, as the kernel says (unix(7), SO_PEERCRED).
struct PeerCredentials: Hashable, Sendable {
  let pid: Int32
  let uid: UInt32
  let gid: UInt32

  /// Whose `channel` is; nil where it isn't a Unix socket's.
  static func of(_ channel: any Channel) async -> PeerCredentials? {
    guard channel.localAddress?.protocol == .unix || channel.remoteAddress?.protocol == .unix,
      let provider = channel as? any SocketOptionProvider
    else { return nil }
    return try? await provider.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
    ).get()
  }

  /// Whether they may do what changes something: root, and the daemon's own user.
  var mayAdminister: Bool { uid == 0 || uid == geteuid() }
}
