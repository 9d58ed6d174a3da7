import Glibc
import TestSupport
import Testing

@testable import Platform

@Suite("What the service manager is told")
struct ServiceManagerTests {
  /// A socket that a manager listens on, in a folder of its own.
  private final class Listener {
    let folder: TemporaryFolder
    let path: String
    private let socket: Int32

    init() throws {
      folder = try TemporaryFolder()
      path = folder.path("notify")
      socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      let bound = withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      #expect(bound == 0)
    }

    deinit { close(socket) }

    /// The next message, which is there already.
    func next() -> String? {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
  }

  private func manager(_ values: [String: String]) -> ServiceManager { ServiceManager { values[$0] } }

  @Test("what is told together is one message, a line each")
  func messages() throws {
    let listener = try Listener()
    let manager = manager(["NOTIFY_SOCKET": listener.path])
    #expect(manager.notify(.ready, .status("all\nis well")))
    #expect(listener.next() == "READY=1\nSTATUS=all is well")
    #expect(manager.notify(.stopping))
    #expect(listener.next() == "STOPPING=1")
    #expect(manager.notify(.alive))
    #expect(listener.next() == "WATCHDOG=1")
    #expect(manager.notify(.reloading))
    let reloading = try #require(listener.next())
    #expect(reloading.wholeMatch(of: /RELOADING=1\nMONOTONIC_USEC=[0-9]+/) != nil)
  }

  @Test(
    "where nothing listens, or nothing is named, nobody is told and nothing fails",
    arguments: ["", "relative", "/no/such/socket", String(repeating: "/x", count: 200), "@no-such-name"])
  func nobody(path: String) {
    #expect(!manager(["NOTIFY_SOCKET": path]).notify(.ready))
    #expect(!manager([:]).notify(.ready))
  }

  @Test("the watchdog is only fed where it is meant for this process")
  func watchdog() throws {
    let listener = try Listener()
    let all = ["NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "3000000"]
    #expect(manager(all).watchdogInterval == .seconds(3))
    #expect(manager(all.merging(["WATCHDOG_PID": "\(getpid())"]) { $1 }).watchdogInterval == .seconds(3))
    for (name, value) in [
      ("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "0"), ("WATCHDOG_USEC", "x"), ("NOTIFY_SOCKET", ""),
    ] {
      #expect(manager(all.merging([name: value]) { $1 }).watchdogInterval == nil, "\(name)=\(value)")
    }
  }
}
