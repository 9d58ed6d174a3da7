import Foundation
import Glibc

/// What systemd is to a service that it started: a socket to which that one says how it is (sd_notify(3)).
public final class NotifyListener: Sendable {
  /// What `NOTIFY_SOCKET` is to be: a path, or with `@` before it a name without a file.
  public let address: String
  private let folder: TemporaryFolder
  private let socket: Int32

  /// - Parameter isAbstract: whether the socket has no file.
  public init(isAbstract: Bool = false) throws {
    folder = try TemporaryFolder()
    let path = folder.path("notify")
    address = isAbstract ? "@\(path)" : path
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    let bytes = isAbstract ? [0] + Array(path.utf8) : Array(path.utf8)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
    // The length is part of a name without a file.
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let bound = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
    }
    guard bound == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
  }

  deinit { close(socket) }

  /// The next message, where one is there already.
  public func next() -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// Waits for a message that `line` is a line of, and gives it; those before it are dropped.
  public func wait(for line: String) async throws -> String {
    var found = ""
    try await eventually("systemd is told \(line)", within: .seconds(60)) {
      while let message = next() {
        if message.split(separator: "\n").contains(Substring(line)) {
          found = message
          return true
        }
      }
      return false
    }
    return found
  }
}
