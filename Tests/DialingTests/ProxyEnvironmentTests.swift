import Testing

@testable import Dialing

@Suite("The proxies of the environment")
struct ProxyEnvironmentTests {
  private func proxy(
    _ variables: [String: String], _ host: String, _ port: Int = 443, isSecure: Bool = true
  ) throws -> String? {
    try ProxyEnvironment(variables).proxy(to: HostPort(host: host, port: port), isSecure: isSecure)
      .map(\.description)
  }

  @Test("are chosen by whether the server speaks TLS, in capital or small letters")
  func choice() throws {
    let variables = ["HTTPS_PROXY": "http://s:1", "http_proxy": "p:2"]
    #expect(try proxy(variables, "h.example") == "http://s:1")
    #expect(try proxy(variables, "h.example", isSecure: false) == "http://p:2")
    #expect(try proxy(["HTTP_PROXY": "http://p:2"], "h.example") == nil)
    #expect(try proxy(["HTTPS_PROXY": ""], "h.example") == nil)
    #expect(try proxy([:], "h.example") == nil)
  }

  @Test(
    "are written as URLs, or as host and port",
    arguments: [
      ("http://p.example:3128", "http://p.example:3128"), ("p.example:3128", "http://p.example:3128"),
      ("http://p.example", "http://p.example:80"), ("http://p.example:3128/", "http://p.example:3128"),
      ("https://p.example", "https://p.example:443"), ("socks5://p.example", "socks5://p.example:1080"),
      ("socks5h://p.example:9", "socks5://p.example:9"), ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
      ("HTTP://u:p@p.example:3128", "http://p.example:3128"),
      (" http://p.example:3128 ", "http://p.example:3128"),
    ])
  func written(text: String, read: String) throws {
    #expect(try proxy(["HTTPS_PROXY": text], "h.example") == read)
  }

  @Test("may have a user and a password, which no text of the proxy has")
  func credentials() throws {
    let proxy = try ProxyURL("http://me:p%40ss@p.example:3128")
    #expect(proxy.credentials == "me:p@ss")
    #expect(!"\(proxy)".contains("p@ss") && !"\(proxy)".contains("me"))
  }

  @Test(
    "that are none are refused with the variable's name, without what it has",
    arguments: [
      "ftp://hush.example", "http://", "http://hush:99999", "http://hush:x", "http://[hush", "http://hu sh",
    ])
  func wrong(text: String) {
    do {
      _ = try proxy(["https_proxy": text], "h.example")
      Issue.record("it was accepted")
    } catch {
      let message = (error as? ProxyError)?.message ?? ""
      #expect(message.hasPrefix("https_proxy ") && !message.contains("hush"), "\(message)")
    }
  }

  @Test(
    "aren't used for what NO_PROXY lists, nor for loopback",
    arguments: [
      ("", "h.example", false), ("", "localhost", true), ("", "127.0.0.1", true), ("", "127.9.9.9", true),
      ("", "::1", true), ("", "localhost.example", false), ("", "10.0.0.1", false),
      ("*", "h.example", true), ("h.example", "h.example", true), ("H.Example", "h.exAMPLE", true),
      ("h.example", "sub.h.example", true), ("h.example", "oh.example", false),
      (".h.example", "sub.h.example", true), (".h.example", "h.example", true),
      ("*.h.example", "sub.h.example", true), ("a, b.example ,c", "b.example", true),
      ("a b.example", "b.example", true), ("h.example:443", "h.example", true),
      ("h.example:8443", "h.example", false), ("10.0.0.1", "10.0.0.1", true),
      ("10.0.0.1", "10.0.0.10", false),
      ("10.0.0.0/8", "10.9.9.9", true), ("10.0.0.0/8", "11.0.0.1", false), ("fd00::/8", "fd00::5", true),
      ("fd00::5", "fd00:0::5", true), ("[fd00::5]:443", "fd00::5", true), ("[fd00::5]:1", "fd00::5", false),
      ("10.0.0.1:443", "10.0.0.1", true), ("10.0.0.1:1", "10.0.0.1", false),
      ("h.example", "h.example.", true),
      (",,", "h.example", false), (".", "h.example", false), ("0.0.1", "10.0.0.1", false),
    ])
  func exceptions(list: String, host: String, isDirect: Bool) throws {
    for name in ["NO_PROXY", "no_proxy"] {
      let found = try proxy(["HTTPS_PROXY": "http://p:1", name: list], host)
      #expect((found == nil) == isDirect)
    }
  }
}
