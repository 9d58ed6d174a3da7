import Foundation
import Glibc

/// A question to a daemon's socket without a program in between, to measure how soon it is answered.
enum SocketRequest {
  /// The body of the answer; nil where nobody answers with success.
  static func get(_ path: String, at socket: String) -> Data? {
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(socket.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    let request = "GET \(path) HTTP/1.1\r\nHost: rollcall\r\nConnection: close\r\n\r\n"
    guard isConnected, send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else {
      return nil
    }
    var answer = Data()
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    guard answer.starts(with: Data("HTTP/1.1 200 ".utf8)),
      let end = answer.firstRange(of: Data("\r\n\r\n".utf8))
    else { return nil }
    return Data(answer[end.upperBound...])
  }

  /// The members and the state of each.
  static func states(at socket: String) -> [String: String]? {
    guard let body = get("/v1/members", at: socket),
      let list = try? JSONSerialization.jsonObject(with: body) as? [String: Any],
      let items = list["items"] as? [[String: Any]]
    else { return nil }
    var states: [String: String] = [:]
    for item in items {
      let id = (item["metadata"] as? [String: Any])?["id"] as? String
      states[id ?? ""] = (item["status"] as? [String: Any])?["state"] as? String
    }
    return states
  }
}
