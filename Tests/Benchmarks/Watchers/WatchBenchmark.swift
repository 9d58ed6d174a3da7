import CEpoll
import ClusterModel
import Foundation
import Glibc
import Logging
import RegistryKit
import Rollcall
import StatusServer
import Synchronization

/// Many watchers of a daemon whose members change all the time: whether each is given every final state, and what the
/// daemon needs for that.
///
/// `WatchBenchmark [WATCHERS [CHANGES-PER-SECOND [SECONDS]]]`; the watchers are a process of their own.
@main
enum WatchBenchmark {
  static let memberCount = 100

  static func main() async throws {
    let arguments = CommandLine.arguments
    if arguments.count == 4, arguments[1] == "clients" {
      return try Clients(socket: arguments[2], count: Int(arguments[3]) ?? 0).run()
    }
    func number(_ index: Int, _ other: Int) -> Int {
      arguments.count > index ? Int(arguments[index]) ?? other : other
    }
    let (watchers, rate, seconds) = (number(1, 1000), number(2, 100), number(3, 60))
    let socket = "/tmp/rollcall-watchers-\(getpid()).sock"
    let registry = ChangingRegistry()
    let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
    let aggregator = try Aggregator(
      registries: [RegistryDefinition(name: "changing", registry: registry)], logger: quiet)
    let server = StatusServer(
      aggregator, options: StatusServerOptions(nodeLabel: "benchmark", socket: .path(socket)),
      logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      group.addTask { try await server.run() }
      await server.waitUntilListening()
      try await aggregator.waitUntilSynced()
      print("idle: \(Usage.now)")
      let clients = Process()
      clients.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      clients.arguments = ["clients", socket, String(watchers)]
      try clients.run()
      while server.watcherCount < watchers, clients.isRunning { try await Task.sleep(for: .milliseconds(20)) }
      let before = Usage.now
      print("\(watchers) watch: \(before)")
      let clock = ContinuousClock()
      let start = clock.now
      for change in 0..<(rate * seconds) {
        try registry.change(
          change % memberCount, to: "10.0.\(change / 250 % 250).\(change % 250)", isFinal: false)
        try await clock.sleep(until: start + .milliseconds(1000 * (change + 1) / rate))
      }
      for member in 0..<memberCount { try registry.change(member, to: "10.255.255.1", isFinal: true) }
      let end = Usage.now
      print("after \(seconds) s of \(rate) changes/s: \(end)")
      print("CPU: \((end.cpu - before.cpu) / Double(seconds)) of a core")
      while clients.isRunning { try await Task.sleep(for: .milliseconds(20)) }
      group.cancelAll()
      while try await group.next() != nil {}
      exit(clients.terminationStatus)
    }
  }
}

/// A registry whose members change when they are told to.
final class ChangingRegistry: Registry {
  private let session = Mutex<RegistrySession?>(nil)

  func run(_ session: RegistrySession) async throws {
    try session.snapshot(
      (0..<WatchBenchmark.memberCount).map { try Self.record($0, "10.0.0.1", isFinal: false) })
    self.session.withLock { $0 = session }
    await session.publish { _ in }
  }

  func change(_ member: Int, to address: String, isFinal: Bool) throws {
    let record = try Self.record(member, address, isFinal: isFinal)
    try session.withLock { try $0?.apply(RegistryBatch(updates: [.upsert(record, source: .only)])) }
  }

  private static func record(_ member: Int, _ address: String, isFinal: Bool) throws -> AffiliateRecord {
    AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity("node-\(member)"), addresses: [try IPAddress(address)],
        hostname: isFinal ? "final-state" : "host", nodename: "node-\(member)"))
  }
}

/// What this process has used.
struct Usage: CustomStringConvertible {
  let memory: Double
  let peak: Double
  let cpu: Double

  static var now: Usage {
    var memory = 0.0
    var peak = 0.0
    for line in ((try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? "").split(
      separator: "\n")
    {
      let kilobytes = line.split { !$0.isNumber }.first.flatMap { Double($0) } ?? 0
      if line.hasPrefix("VmRSS:") { memory = kilobytes / 1024 }
      if line.hasPrefix("VmHWM:") { peak = kilobytes / 1024 }
    }
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Usage(memory: memory, peak: peak, cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime))
  }

  var description: String { String(format: "%.1f MB (at most %.1f MB), %.1f s of CPU", memory, peak, cpu) }
}

/// Watchers that only look for the final states.
struct Clients {
  private let socket: String
  private let count: Int
  private static let marker = Array("\"hostname\":\"final-state\"".utf8)

  init(socket: String, count: Int) {
    self.socket = socket
    self.count = count
  }

  func run() throws {
    let poll = epoll_create1(0)
    var finals: [Int32: Int] = [:]
    var rest: [Int32: [UInt8]] = [:]
    for _ in 0..<count {
      let descriptor = try connect()
      finals[descriptor] = 0
      var event = epoll_event()
      event.events = UInt32(EPOLLIN.rawValue)
      event.data.fd = descriptor
      epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event)
    }
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    var bytes = 0
    let deadline = ContinuousClock.now + .seconds(600)
    while ContinuousClock.now < deadline, finals.values.contains(where: { $0 < WatchBenchmark.memberCount }) {
      let ready = epoll_wait(poll, &events, Int32(events.count), 1000)
      for event in events.prefix(Int(max(0, ready))) {
        let descriptor = event.data.fd
        let read = Glibc.read(descriptor, &buffer, buffer.count)
        guard read > 0 else {
          epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, nil)
          continue
        }
        bytes += read
        let text = (rest[descriptor] ?? []) + buffer[..<read]
        finals[descriptor, default: 0] += Self.count(text)
        rest[descriptor] = Array(text.suffix(Self.marker.count - 1))
      }
    }
    let whole = finals.values.count { $0 == WatchBenchmark.memberCount }
    print("\(whole) of \(count) watchers were given every final state once; \(bytes / 1_000_000) MB in all")
    if whole != count { exit(1) }
  }

  private static func count(_ text: [UInt8]) -> Int {
    text.withUnsafeBytes { text in
      var count = 0
      var start = 0
      while let base = text.baseAddress, text.count - start >= marker.count,
        let found = memchr(base + start, Int32(marker[0]), text.count - start)
      {
        let place = UnsafeRawPointer(found) - base
        let isThere =
          text.count - place >= marker.count && memcmp(base + place, marker, marker.count) == 0
        if isThere { count += 1 }
        start = place + (isThere ? marker.count : 1)
      }
      return count
    }
  }

  private func connect() throws -> Int32 {
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(socket.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    let request = Array("GET /v1/members?watch=true HTTP/1.1\r\nHost: rollcall\r\n\r\n".utf8)
    guard result == 0, write(descriptor, request, request.count) == request.count else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    return descriptor
  }
}
