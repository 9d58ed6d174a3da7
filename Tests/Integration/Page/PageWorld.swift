import BrowserTestSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// A real daemon with a page, and registries that say what a test has them say: `service`, whose records are leases,
/// and `kubernetes` are programs that print a file as it grows, `inventory` is a static file.
final class PageWorld: Sendable {
  /// A node as registries list it.
  struct Node {
    var name: String
    var id: String
    var address: String
    var type = "worker"
    var hostname: String?
    var labels: [String: String] = ["rack": "r1"]
    var isReady: Bool?
    var reason: String?

    init(_ name: String, _ address: String, id: String? = nil) {
      self.name = name
      self.address = address
      self.id = id ?? "node-\(name)"
    }

    var json: String {
      var object: [String: Any] = [
        "nodeId": id, "nodename": name, "hostname": hostname ?? name, "addresses": [address],
        "machineType": type, "operatingSystem": "Talos (v1.13.2)", "labels": labels,
      ]
      object["ready"] = isReady
      object["reason"] = reason
      let data = try? JSONSerialization.data(withJSONObject: object)
      return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
  }

  let folder: TemporaryFolder
  let port: Int
  private let process = Mutex<ChildProcess?>(nil)
  var address: String { "http://127.0.0.1:\(port)/" }

  /// Starts a daemon that knows nobody but itself, and waits until it answers.
  ///
  /// - Parameter http: further keys of `http`.
  init(http: String = "") async throws {
    folder = try TemporaryFolder()
    port = try LoopbackPort.free()
    try folder.write("nodeId: Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd\n", to: "state/node-identity.yaml")
    for name in ["service", "kubernetes"] { try folder.write("{\"snapshot\":[]}\n", to: "\(name).ndjson") }
    try folder.write("nodes: []\n", to: "inventory.yaml")
    try folder.write(
      """
      cluster:
        id: 7dQi+k9JuwCPIeKAeS3H/3pAbNnVostDFXkNGrL/fDo=
        discovery:
          registries:
            service: {plugin: exec, stream: true, lease: true, alone: member, staleAfter: 1s, command: \(Self.follow("service"))}
            kubernetes: {disabled: false, plugin: exec, stream: true, alone: member, command: \(Self.follow("kubernetes"))}
            inventory: {plugin: static-file, path: inventory.yaml, debounce: 10ms}
            netbox: {plugin: static-file, path: netbox.yaml, disabled: true}
      merge: {precedence: [service, kubernetes, inventory]}
      http: {listen: "127.0.0.1:\(port)"\(http.isEmpty ? "" : ", \(http)")}
      node: {nodename: cp-1, addresses: [10.20.0.11], machineType: controlplane, hostname: cp-1}
      """, to: "rollcall.yaml")
    try await start()
  }

  deinit { process.withLock { $0 }?.signal(SIGKILL) }

  private static func follow(_ name: String) -> String { "[tail, -n, '+1', -f, \(name).ndjson]" }

  // MARK: The daemon

  func start() async throws {
    let new = try Command.start(
      ["run", "--state", "state"], in: folder.path,
      environment: ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path("run")])
    process.withLock { $0 = new }
    let socket = folder.path("run/rollcall.sock")
    try await eventually("the daemon answers and is ready, or has ended") {
      if !new.isRunning { return true }
      return SocketRequest.get("/readyz", at: socket) != nil
    }
    try #require(new.isRunning, "\(new.errorsSoFar)")
  }

  func kill() async throws {
    let running = try #require(process.withLock { $0 })
    running.signal(SIGKILL)
    _ = try await running.result()
  }

  /// Stops it without ending it, as a laptop that is closed: its connections stay, and nothing comes on them.
  func freeze() { process.withLock { $0 }?.signal(SIGSTOP) }
  func thaw() { process.withLock { $0 }?.signal(SIGCONT) }

  /// How many watch over TCP.
  func watchers() -> Int {
    let page = SocketRequest.get("/metrics", at: folder.path("run/rollcall.sock"))
    let lines = page.map { String(decoding: $0, as: UTF8.self) }?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("rollcall_watchers{listener=\"tcp\"}") }
    return line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
  }

  // MARK: What registries say

  /// Has a registry that is a program say a line.
  func say(_ line: String, as registry: String = "service") throws {
    let file = try FileHandle(forWritingTo: folder.url.appendingPathComponent("\(registry).ndjson"))
    defer { try? file.close() }
    try file.seekToEnd()
    try file.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Has it list these, and nobody else.
  func list(_ nodes: [Node], as registry: String = "service") throws {
    try say("{\"snapshot\":[\(nodes.map(\.json).joined(separator: ","))]}", as: registry)
  }

  func put(_ node: Node, as registry: String = "service") throws {
    try say("{\"upsert\":\(node.json)}", as: registry)
  }

  func remove(_ node: Node, _ reason: String, as registry: String = "service") throws {
    try say("{\"remove\":\(BrowserPage.quoted(node.id)),\"reason\":\"\(reason)\"}", as: registry)
  }

  func take(intoInventory nodes: [Node]) throws {
    try folder.replace("inventory.yaml", with: "{\"nodes\": [\(nodes.map(\.json).joined(separator: ","))]}")
  }

  // MARK: The documented world

  static let cp2 = node("cp-2", "10.20.0.12", type: "controlplane")
  static let cp3 = node("cp-3", "10.20.0.13", type: "controlplane")
  static let w2 = node("w-2", "10.20.0.22")
  static let w3 = node("w-3", "10.20.0.23", rack: "r2")
  static let w4 = node("w-4", "10.20.0.24", rack: "r2")

  private static func node(
    _ name: String, _ address: String, type: String = "worker", rack: String = "r1"
  ) -> Node {
    var node = Node(name, address)
    (node.type, node.labels) = (type, ["rack": rack])
    return node
  }

  /// Has everything happen to the documented cluster that its samples tell of.
  func live() async throws {
    let (old, new) = (Node("w-1", "10.20.0.21", id: "first-w-1"), Node("w-1", "10.20.0.21", id: "second-w-1"))
    let before = [Self.cp2, Self.cp3, old, Self.w2, Self.w3, Self.w4]
    for registry in ["service", "kubernetes"] { try list(before, as: registry) }
    try take(intoInventory: before)
    try await states("all are there") { $0.count == 7 }
    try remove(Self.w4, "withdrawn")
    try await states("w-4 left") { $0["w-4"] == "left" }
    var broken = Self.w2
    (broken.isReady, broken.reason) = (false, "KubeletNotReady")
    try list([Self.cp2, Self.cp3, new, broken, Self.w3], as: "kubernetes")
    try put(new)
    var typo = new
    typo.address = "10.20.0.22"
    var other = Self.w2
    other.hostname = "w-2.rack.example"
    try take(intoInventory: [Self.cp2, Self.cp3, typo, other, Self.w3])
    try await states("w-4 is gone, and w-2 isn't ready") { $0["w-4"] == nil && $0["w-2"] == "notready" }
    try remove(Self.w3, "expired")
    try await states("w-3 is missing") { $0["w-3"] == "missing" }
    try remove(Self.cp3, "withdrawn")
    try await states("cp-3 left") { $0["cp-3"] == "left" }
    try say("{\"degraded\":\"watch: connection refused by 10.20.0.10:6443\"}", as: "kubernetes")
  }

  private func states(_ what: String, _ condition: ([String: String]) -> Bool) async throws {
    let socket = folder.path("run/rollcall.sock")
    try await eventually(what) { SocketRequest.states(at: socket).map(condition) ?? false }
  }

  // MARK: The page

  /// Opens the page and waits until it is live.
  func open(
    _ route: String = "#/members", width: Int = 1280, height: Int = 800, script: String? = nil
  ) async throws -> BrowserPage {
    let page = try await BrowserPage(width: width, height: height, script: script)
    try await page.go(to: address + route)
    try await page.until("document.body?.dataset.mode === 'live' && document.querySelector('main .view')")
    return page
  }
}

extension BrowserPage {
  /// The names of the members in the rows that are in the document, in their order.
  func names() async throws -> [String] {
    try await value("[...document.querySelectorAll('.members .rows a[data-open]')].map(a => a.textContent)")
  }

  /// What a member's row shows, cell by cell.
  func cell(_ name: String, _ column: String) async throws -> String {
    try await text(Self.row(name) + ".querySelector('td.\(column)').textContent")
  }

  func untilRow(_ name: String, _ column: String, has text: String) async throws {
    try await until(
      "\(Self.row(name))?.querySelector('td.\(column)').innerText.includes(\(Self.quoted(text)))")
  }

  private static func row(_ name: String) -> String {
    "[...document.querySelectorAll('.members .rows tbody tr')].find(r => r.querySelector('a[data-open]')?.textContent === \(quoted(name)))"
  }

  /// Waits until the list has exactly these members, in this order.
  func untilNames(_ names: [String]) async throws {
    let wanted = "[\(names.map(Self.quoted).joined(separator: ","))]"
    try await until(
      "JSON.stringify([...document.querySelectorAll('.members .rows a[data-open]')].map(a => a.textContent)) === JSON.stringify(\(wanted))"
    )
  }

  /// That nothing went wrong by the browser's account, but for answers of the daemon that aren't documents.
  func expectNoTrouble(but allowed: String = " ") {
    let trouble = trouble.filter { !$0.contains(allowed) }
    #expect(trouble == [])
  }
}

/// Why a test of the page is left out.
let browserHint = Comment(rawValue: Program.hint)

/// A clock of the page that a test moves: what a laptop that was closed lives through. Only timers of more than five
/// seconds wait for it; nothing of it is in the page itself.
let movableClock = """
  (() => {
    let skew = 0, timers = [];
    const now = Date.now.bind(Date), steady = performance.now.bind(performance), later = setTimeout.bind(window);
    Date.now = () => now() + skew;
    performance.now = () => steady() + skew;
    window.setTimeout = (body, delay = 0, ...rest) => {
      if (delay < 5000) return later(body, delay, ...rest);
      const timer = { body, at: performance.now() + delay, id: 1e9 + timers.length };
      timers.push(timer);
      return timer.id;
    };
    const clear = clearTimeout.bind(window);
    window.clearTimeout = id => { timers = timers.map(t => t.id === id ? { ...t, body: null } : t); clear(id); };
    window.leap = seconds => {
      skew += seconds * 1000;
      timers.forEach((t, i) => {
        if (t.body && t.at <= performance.now()) { const body = t.body; timers[i] = { ...t, body: null }; body(); }
      });
    };
  })();
  """
