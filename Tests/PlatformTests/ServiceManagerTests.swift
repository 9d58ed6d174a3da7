import Glibc
import TestSupport
import Testing

@testable import Platform

@Suite("What the service manager is told")
struct ServiceManagerTests {
  private func manager(_ values: [String: String]) -> ServiceManager { ServiceManager { values[$0] } }

  @Test(
    "what is told together is one message, a line each; also where the socket has no file",
    arguments: [false, true])
  func messages(isAbstract: Bool) throws {
    let listener = try NotifyListener(isAbstract: isAbstract)
    let manager = manager(["NOTIFY_SOCKET": listener.address])
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
    let listener = try NotifyListener()
    let all = ["NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "3000000"]
    #expect(manager(all).watchdogInterval == .seconds(3))
    #expect(manager(all.merging(["WATCHDOG_PID": "\(getpid())"]) { $1 }).watchdogInterval == .seconds(3))
    for (name, value) in [
      ("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "0"), ("WATCHDOG_USEC", "x"), ("NOTIFY_SOCKET", ""),
    ] {
      #expect(manager(all.merging([name: value]) { $1 }).watchdogInterval == nil, "\(name)=\(value)")
    }
  }
}
