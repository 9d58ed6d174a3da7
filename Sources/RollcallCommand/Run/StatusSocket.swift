import Glibc
import Platform
import StatusClient
import StatusServer

/// Where a daemon listens for those who ask it.
enum StatusSocket {
  /// The socket, and whether somebody chose it: then it is an error that it can't be had.
  ///
  /// In this order: the one that systemd started this process with, `option` or `$ROLLCALL_SOCKET`,
  /// `$RUNTIME_DIRECTORY`, the system's folder for root, `$XDG_RUNTIME_DIR`. Nil where there is no folder for one.
  static func find(option: String?) -> (socket: StatusServerOptions.Socket, isChosen: Bool)? {
    if let descriptor = inherited() { return (.inherited(descriptor), true) }
    if let option { return (path(option), true) }
    if let folder = environment("RUNTIME_DIRECTORY")?.split(separator: ":").first, folder.hasPrefix("/") {
      return (path("\(folder)/\(SocketPath.fileName)"), false)
    }
    if geteuid() == 0 { return (path("/run/rollcall/\(SocketPath.fileName)"), false) }
    if let base = environment("XDG_RUNTIME_DIR"), base.hasPrefix("/") {
      return (path("\(base)/rollcall/\(SocketPath.fileName)"), false)
    }
    return nil
  }

  private static func path(_ path: String) -> StatusServerOptions.Socket {
    .path(path, mode: 0o660, group: getgrnam("rollcall").map { $0.pointee.gr_gid })
  }

  /// A listening Unix socket that this process was started with (sd_listen_fds(3)).
  private static func inherited() -> Int32? {
    let first: Int32 = 3
    guard environment("LISTEN_PID").flatMap({ Int32($0) }) == getpid(),
      environment("LISTEN_FDS").flatMap({ Int32($0) }) == 1
    else { return nil }
    var (domain, isListening) = (Int32(0), Int32(0))
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(first, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0, domain == AF_UNIX,
      getsockopt(first, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening == 1
    else { return nil }
    _ = fcntl(first, F_SETFD, FD_CLOEXEC)
    return first
  }
}
