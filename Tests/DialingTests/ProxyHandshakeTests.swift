import Testing

@testable import Dialing

@Suite("The handshake with a proxy")
struct ProxyHandshakeTests {
  /// What becomes of a handshake in which the proxy says `pieces`: each further answer, and the rest.
  private func talk(
    _ proxy: String, _ pieces: [[UInt8]], to target: HostPort = HostPort(host: "h.example", port: 443)
  ) throws(ProxyError) -> (sent: [[UInt8]], isDone: Bool, rest: [UInt8]) {
    var handshake = try ProxyURL(proxy).handshake(to: target)
    var sent = [handshake.start()]
    var received: [UInt8] = []
    for piece in pieces {
      received += piece
      loop: while true {
        switch try handshake.receive(&received) {
        case .waitForMore: break loop
        case .send(let bytes): sent.append(bytes)
        case .done: return (sent, true, received)
        }
      }
    }
    return (sent, false, received)
  }

  private func message(_ proxy: String, _ pieces: [[UInt8]]) -> String {
    do throws(ProxyError) {
      _ = try talk(proxy, pieces)
      return "accepted"
    } catch {
      return error.message
    }
  }

  @Test("asks for the server by CONNECT, with the credentials, and leaves what comes after the answer")
  func connect() throws {
    let answer = Array("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nrest".utf8)
    for cut in 0..<answer.count {
      let talk = try talk("http://me:p%40ss@p:1", [Array(answer[..<cut]), Array(answer[cut...])])
      #expect(talk.isDone)
      #expect(
        String(decoding: talk.sent[0], as: UTF8.self)
          == "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n"
      )
    }
    #expect(try talk("http://p:1", [answer]).rest == Array("rest".utf8))
    let six = try talk("http://p:1", [answer], to: HostPort(host: "fd00::1", port: 80)).sent[0]
    #expect(String(decoding: six, as: UTF8.self).hasPrefix("CONNECT [fd00::1]:80 HTTP/1.1\r\n"))
  }

  @Test("is over where the proxy refuses or doesn't speak HTTP, with what it says")
  func refusals() {
    for (answer, part) in [
      (
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "it answers 407 Proxy Authentication Required: it wants"
      ),
      ("HTTP/1.1 403 \u{1b}[2J\r\n\r\n", "doesn't lead to h.example:443: it answers 403 ?[2J"),
      ("HTTP/1.1 502\r\n\r\n", "it answers 502"), ("SSH-2.0-x\r\n\r\n", "doesn't speak HTTP"),
      (String(repeating: "x", count: 20_000), "doesn't speak HTTP"),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "accepted"),
    ] {
      #expect(message("http://p:1", [Array(answer.utf8)]).contains(part), "\(answer)")
    }
  }

  @Test("of SOCKS 5 leaves the name to the proxy, and logs in where there are credentials")
  func socks() throws {
    let bound: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    let plain = try talk("socks5://p", [[5, 0], bound + [9]])
    #expect(plain.sent == [[5, 1, 0], [5, 1, 0, 3, 9] + Array("h.example".utf8) + [1, 0xBB]])
    #expect(plain.isDone && plain.rest == [9])
    let login = try talk(
      "socks5://a:b@p", [[5], [2], [1, 0], Array(bound.prefix(6)), Array(bound.dropFirst(6))])
    #expect(login.sent[0] == [5, 2, 0, 2] && login.sent[1] == [1, 1, 97, 1, 98] && login.isDone)
    let address = try talk("socks5://p", [[5, 0]], to: HostPort(host: "10.0.0.1", port: 80))
    #expect(address.sent[1] == [5, 1, 0, 1, 10, 0, 0, 1, 0, 80])
    #expect(message("socks5://p", [[5, 0], [5, 5, 0, 1]]).contains("the connection is refused"))
    #expect(message("socks5://a:b@p", [[5, 2], [1, 1]]).contains("refuses the user"))
    #expect(message("socks5://p", [[5, 0xFF]]).contains("authenticated"))
    #expect(message("socks5://p", [Array("HTTP/1.1 400".utf8)]).contains("doesn't speak SOCKS 5"))
  }
}
