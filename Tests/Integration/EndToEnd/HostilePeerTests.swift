import Foundation
import KubernetesTestSupport
import NIOCore
import Synchronization
import TestSupport
import Testing

/// The daemon against peers and plugins that do what they like, for a few seconds each, or for as long as
/// `ROLLCALL_SOAK_SECONDS` says, as `make soak` does: memory, processor time and log stay bounded, others are
/// served, and it ends in time.
@Suite("Hostile peers", .serialized, .timeLimit(.minutes(30)))
struct HostilePeerTests {
  private static let duration: Duration =
    ProcessInfo.processInfo.environment["ROLLCALL_SOAK_SECONDS"].flatMap(Double.init).map { .seconds($0) }
    ?? .seconds(3)

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(nodes([("n1", "honest", "10.0.0.1")]), to: "honest.yaml")
  }

  /// What a process may use while it is attacked.
  private struct Bounds {
    var memoryMegabytes = 150
    /// Of the time that passes; a plugin that floods in its own threads pays for itself.
    var processorShare: Double?
    var logKilobytes = 300
    /// From SIGTERM to its end:
    /// generous, as other tests keep the machine busy meanwhile.
    var endsWithin = Duration.seconds(30)
    /// From an honest registry's change to the log.
    var toldWithin = Duration.seconds(30)
  }

  /// Runs the daemon with the honest registry and `registry` beside it, and checks the bounds.
  private func attack(
    _ registry: String, _ bounds: Bounds = Bounds(), plugins: String = "",
    at place: SourceLocation = #_sourceLocation
  ) async throws -> ChildProcess.Result {
    try folder.write(
      """
      plugins: {path: [\(plugins)], allowUnsafePermissions: true}
      cluster:
        id: 7Zp1fCoDmxLY2SXbhvqKlY0kO8v6vJq4XgFmRVXyqls=
        secret: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=
        discovery:
          registries:
            honest: {plugin: static-file, path: honest.yaml, debounce: 10ms}
            service: {disabled: true}
            \(registry)
      node: {publish: false}
      """, to: "rollcall.yaml")
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    let file = "/proc/\(process.processID)"
    try await eventually("the honest registry is in sync") {
      process.errorsSoFar.contains("registry synced affiliates=1 registry=honest")
    }
    let clock = ContinuousClock()
    let start = clock.now
    let before = try Usage(file)
    var peak = before.memory
    var round = 0
    while clock.now - start < Self.duration {
      // The honest registry's changes come through meanwhile.
      round += 1
      try folder.replace("honest.yaml", with: nodes([("n1", "honest-\(round)", "10.0.0.1")]))
      try await eventually("the honest registry's change is logged or counted", within: bounds.toldWithin) {
        process.errorsSoFar.contains("member=honest-\(round)")
          || process.errorsSoFar.contains("left out of the log")
      }
      peak = max(peak, try Usage(file).memory)
      try await clock.sleep(for: .milliseconds(100))
    }
    let used = try Usage(file).processor - before.processor
    #expect(peak < bounds.memoryMegabytes << 20, "\(peak >> 20) MiB", sourceLocation: place)
    if let share = bounds.processorShare {
      #expect(used / (clock.now - start).inSeconds < share, "\(used) s", sourceLocation: place)
    }
    let end = clock.now
    process.signal(SIGTERM)
    let result = try await process.result()
    #expect(clock.now - end < bounds.endsWithin, sourceLocation: place)
    #expect(result.status == 0, "\(result.errors.suffix(2000))", sourceLocation: place)
    #expect(
      result.errors.utf8.count < bounds.logKilobytes << 10, "\(result.errors.utf8.count) bytes",
      sourceLocation: place)
    return result
  }

  /// What a process has used.
  private struct Usage {
    /// Resident bytes.
    let memory: Int
    /// Seconds.
    let processor: Double

    init(_ folder: String) throws {
      let pages = try contents("\(folder)/statm").split(separator: " ")
      memory = (Int(try #require(pages.dropFirst().first)) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
      let fields = try contents("\(folder)/stat").split(separator: ")").last?.split(separator: " ") ?? []
      let ticks = (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
      processor = Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
  }

  @Test(
    "a plugin that floods its host takes a bounded log and memory",
    arguments: [
      (1, "texts", 150), (2, "counts", 150), (3, "a node that flaps", 150), (4, "endless new nodes", 450),
      (5, "one address and name on all", 250), (6, "lines of log", 150),
      (7, "outcomes that nobody asked for", 150),
    ])
  func plugin(flood: Int, what: String, memory: Int) async throws {
    let library = try await CLibrary.build("Tests/HostilePlugins/floods.c", flags: ["-DFLOOD=\(flood)"])
    let name = "librollcall-floods.so"
    try FileManager.default.copyItem(atPath: library, toPath: folder.path(name))
    var bounds = Bounds(memoryMegabytes: memory)
    // The first 5,000 new members are logged, one line each.
    if flood == 4 { bounds.logKilobytes = 1000 }
    // There are 50,000 at a time, each with its records, its life and its tombstone. For a log that is far behind all
    // nodes are compared at once, and at the end all are written, which takes a debug build seconds.
    if flood == 4 { (bounds.endsWithin, bounds.toldWithin) = (.seconds(40), .seconds(40)) }
    let result = try await attack("floods: {}", bounds, plugins: ".")
    if flood == 3 { #expect(result.errors.contains("member is flapping")) }
  }

  @Test("a service that answers garbage, cuts off and starts again costs little")
  func garbageService() async throws {
    let connections = Mutex(0)
    try await HostileServer.run { inbound, outbound in
      let number = connections.withLock { count in
        count += 1
        return count
      }
      var generator = SystemRandomNumberGenerator()
      // An empty SETTINGS frame is right; what comes then isn't.
      if number % 2 == 0 { try await outbound.write(ByteBuffer(bytes: [0, 0, 0, 4, 0, 0, 0, 0, 0])) }
      for _ in 0..<(number % 7) * 20 {
        try await outbound.write(
          ByteBuffer(bytes: (0..<4096).map { _ in UInt8.random(in: .min ... .max, using: &generator) }))
      }
      for try await _ in inbound.prefix(number % 3) {}
    } _: { port in
      let result = try await attack(
        "garbage: {plugin: service, endpoint: \"http://127.0.0.1:\(port)\"}", Bounds(processorShare: 0.5))
      #expect(result.errors.contains("registry degraded"))
    }
    #expect(connections.withLock { $0 } > 1)
  }

  @Test("an API server that flaps, floods its watch and answers garbage costs little and is told")
  func flappingServer() async throws {
    let requests = Mutex(0)
    let log = Mutex("")
    try await HostileServer.run { inbound, outbound in
      for try await request in inbound {
        let number = requests.withLock { count in
          count += 1
          return count
        }
        let head = String(buffer: request).prefix { $0 != "\r\n" }
        func answer(_ status: String, _ body: String) async throws {
          try await outbound.write(
            ByteBuffer(
              string:
                "HTTP/1.1 \(status)\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            ))
        }
        func node(_ number: Int, _ version: Int) -> String {
          #"{"kind":"Node","apiVersion":"v1","metadata":{"name":"w-\#(number)","uid":"u\#(number)","resourceVersion":"\#(version)"}}"#
        }
        if head.contains("watch=") {
          try await outbound.write(
            ByteBuffer(
              string:
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"))
          for event in 0..<5000 {
            let kind = ["ADDED", "MODIFIED", "DELETED"][event % 3]
            let text = #"{"type":"\#(kind)","object":\#(node(event % 50, 1000 + event))}"# + "\n"
            try await outbound.write(
              ByteBuffer(string: "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"))
          }
          if number % 4 == 0 { try await outbound.write(ByteBuffer(string: "5\r\n{oops\r\n")) }
          return
        }
        switch number % 5 {
        case 0: try await answer("504 Gateway Timeout", "")
        case 1:
          try await answer("200 OK", #"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"#)
        default:
          let items = (0..<100).map { node($0, 500) }.joined(separator: ",")
          try await answer(
            "200 OK",
            #"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"999"},"items":[\#(items)]}"#
          )
        }
      }
    } _: { port in
      try folder.write(
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: c, cluster: {server: "http://127.0.0.1:\(port)"}}]
        users: [{name: u, user: {}}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """, to: "kubeconfig")
      let result = try await attack(
        "flapping: {plugin: kubernetes, kubeconfig: kubeconfig}",
        Bounds(processorShare: 0.9, logKilobytes: 1000))
      log.withLock { $0 = result.errors }
    }
    #expect(requests.withLock { $0 } > 1, "\(log.withLock { $0 })")
  }
}

extension Duration {
  fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
