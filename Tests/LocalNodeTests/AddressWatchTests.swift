import ClusterModel
import Foundation
import TestSupport
import Testing

@testable import Rollcall

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Watching addresses", .timeLimit(.minutes(3)))
struct AddressWatchTests {
  @Test("the kernel's answer has this machine's loopback")
  func state() throws {
    let state = try RouteSocket().state()
    #expect(state.interfaces.contains { $0.isLoopback })
    #expect(Set(state.interfaces.map(\.index)).count == state.interfaces.count)
  }

  @Test("where the kernel doesn't tell of changes the addresses are looked at now and then")
  func polling() async throws {
    struct Closed: Error {}
    let pulses = AddressWatch.pulses(pollInterval: .milliseconds(10)) { throw Closed() }
    var count = 0
    for await _ in pulses {
      count += 1
      if count == 3 { break }
    }
    #expect(count == 3)
  }

  /// Why network namespaces can't be made here; nil where they can.
  private static let noNamespaces: String? = {
    guard geteuid() == 0 else { return "only root may make network namespaces" }
    let probe = "rollcall-probe-\(getpid())"
    guard shell("ip netns add \(probe)") else { return "'ip netns add' doesn't work here" }
    _ = shell("ip netns del \(probe)")
    return nil
  }()

  private static func shell(_ command: String) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "PATH=$PATH:/usr/sbin:/sbin; \(command)"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// Makes sockets in the network namespace called `name`, on a thread of its own as only that changes over.
  private static func sockets(in name: String) async throws -> (RouteSocket, RouteSocket) {
    typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
    return try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result {
            let file = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            // Glibc has it, and Swift doesn't import it.
            guard let symbol = dlsym(nil, "setns"),
              case let setNamespace = unsafeBitCast(symbol, to: SetNamespace.self),
              setNamespace(file, 0x4000_0000) == 0
            else { throw NetworkError("can't enter \(name)") }
            return (try RouteSocket(), try RouteSocket(groups: RouteSocket.addressGroups))
          })
      }
    }
  }

  @Test(
    "addresses of a real network namespace are found and followed",
    .enabled(if: noNamespaces == nil, "needs network namespaces: root and ip"))
  func namespace() async throws {
    let name = "rollcall-test-\(getpid())"
    #expect(Self.shell("ip netns add \(name)"))
    defer { _ = Self.shell("ip netns del \(name)") }
    func ip(_ command: String) { #expect(Self.shell("ip -n \(name) \(command)"), "ip \(command)") }
    let (asked, told) = try await Self.sockets(in: name)
    func addresses() throws -> [String] { AddressRules.addresses(of: try asked.state()).map(\.description) }
    #expect(try addresses() == [])

    let pulses = AddressWatch.pulses { told }
    var iterator = pulses.makeAsyncIterator()
    func next(_ expected: [String]) async throws {
      while try addresses() != expected { try #require(await iterator.next() != nil) }
    }
    ip("link set lo up")
    ip("link add uplink type veth peer name far")
    ip("link set far up")
    ip("link set uplink up")
    ip("address add 192.0.2.7/24 dev uplink")
    try await next(["192.0.2.7"])
    ip("address add 2001:db8::7/64 dev uplink nodad")
    ip("address add 2001:db8::8/64 dev uplink nodad preferred_lft 0")
    ip("address add 192.0.2.8/24 dev uplink")
    try await next(["192.0.2.7", "192.0.2.8", "2001:db8::7"])
    // What containers would have.
    ip("link add docker0 type bridge")
    ip("link set docker0 up")
    ip("address add 172.17.0.1/16 dev docker0")
    ip("link add lanbridge type bridge")
    ip("link add vethA type veth peer name inside")
    ip("link set vethA master lanbridge")
    ip("link set lanbridge up")
    ip("address add 10.88.0.1/16 dev lanbridge")
    ip("address del 192.0.2.8/24 dev uplink")
    try await next(["192.0.2.7", "2001:db8::7"])
    ip("link set uplink down")
    try await next([])
  }
}
