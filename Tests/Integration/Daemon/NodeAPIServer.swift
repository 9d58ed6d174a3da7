import Foundation
import Glibc
import Synchronization
import TestSupport

/// An API server that knows the Nodes that a test gives it: it lists, watches and annotates them, in plain HTTP, and
/// comes back under its port after it was away.
final class NodeAPIServer: Sendable {
  /// What a kubelet says of its machine.
  struct Node: Sendable {
    var name: String
    var isControlPlane = false
    var labels: [String: String] = [:]
    var annotations: [String: String] = [:]
    var operatingSystem = ""
    /// Why it isn't ready; nil where it has no condition `Ready` at all.
    var notReady: String?
  }

  fileprivate struct State {
    var nodes: [String: Node] = [:]
    var versions: [String: Int] = [:]
    var version = 1000
    /// What watches are sent, with its version.
    var events: [(version: Int, line: String)] = []
    var listener: Int32 = -1
    var connections: Set<Int32> = []
    var watches: Set<Int32> = []
  }

  let port: Int
  private let state = Mutex(State())

  init() throws {
    port = try LoopbackPort.free()
    try start()
  }

  deinit { stop() }

  var url: String { "http://127.0.0.1:\(port)" }

  /// A kubeconfig for it.
  var config: String {
    """
    clusters: [{name: c, cluster: {server: "\(url)"}}]
    users: [{name: u, user: {}}]
    contexts: [{name: x, context: {cluster: c, user: u}}]
    current-context: x

    """
  }

  // MARK: What happens to Nodes

  /// Makes a Node, or puts it in the place of the one of that name; its annotations stay.
  func put(_ node: Node) {
    state.withLock { state in
      var node = node
      let old = state.nodes[node.name]
      if let old { node.annotations = old.annotations }
      state.change(node, old == nil ? "ADDED" : "MODIFIED")
    }
  }

  func delete(_ name: String) {
    state.withLock { state in
      guard let node = state.nodes[name] else { return }
      state.change(node, "DELETED")
      state.nodes[name] = nil
    }
  }

  /// The annotations of a Node.
  func annotations(of name: String) -> [String: String] {
    state.withLock { $0.nodes[name]?.annotations ?? [:] }
  }

  // MARK: Serving

  /// Listens again after ``stop()``.
  func start() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
    var on: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isBound, listen(listener, 64) == 0 else { throw POSIXError(.EADDRINUSE) }
    state.withLock { $0.listener = listener }
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        guard let self else { return _ = close(connection) }
        Thread.detachNewThread { self.serve(connection) }
      }
    }
  }

  /// Is away, as if the machine had gone.
  func stop() {
    state.withLock { state in
      guard state.listener >= 0 else { return }
      shutdown(state.listener, Int32(SHUT_RDWR))
      close(state.listener)
      state.listener = -1
      for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }
  }

  private func serve(_ connection: Int32) {
    let isKept = state.withLock { state in
      guard state.listener >= 0 else { return false }
      state.connections.insert(connection)
      return true
    }
    defer {
      state.withLock { state in
        state.connections.remove(connection)
        state.watches.remove(connection)
        close(connection)
      }
    }
    guard isKept else { return }
    var bytes = Data()
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      while let request = Request(takenFrom: &bytes) { answer(request, connection) }
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { return }
      bytes += buffer[..<count]
    }
  }

  private func answer(_ request: Request, _ connection: Int32) {
    let name = request.path.hasPrefix("/api/v1/nodes/") ? String(request.path.dropFirst(14)) : nil
    state.withLock { state in
      switch (request.method, request.path, name) {
      case ("GET", "/version", _): Self.send(#"{"major":"1","minor":"20"}"#, to: connection)
      case ("GET", "/api/v1/nodes", _) where request.query.contains("watch=true"):
        let from = request.query.firstMatch(of: #/resourceVersion=(\d+)/#).flatMap { Int($0.1) } ?? 0
        Self.write(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
          to: connection)
        state.watches.insert(connection)
        for event in state.events where event.version > from { Self.chunk(event.line, to: connection) }
      case ("GET", "/api/v1/nodes", _):
        let items = state.nodes.keys.sorted().map { state.json($0) }
        Self.send(
          #"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"\#(state.version)"},"items":["#
            + items.joined(separator: ",") + "]}", to: connection)
      case ("GET", _, let name?) where state.nodes[name] != nil:
        Self.send(state.json(name), to: connection)
      case ("PATCH", _, let name?) where state.nodes[name] != nil:
        guard var node = state.nodes[name] else { return }
        let patch = try? JSONSerialization.jsonObject(with: request.body) as? [String: Any]
        let metadata = patch?["metadata"] as? [String: Any]
        for (key, value) in metadata?["annotations"] as? [String: Any] ?? [:] {
          node.annotations[key] = value as? String
        }
        state.change(node, "MODIFIED")
        Self.send(state.json(name), to: connection)
      default:
        Self.send(
          #"{"kind":"Status","status":"Failure","reason":"NotFound","message":"not found","code":404}"#,
          status: "404 Not Found", to: connection)
      }
    }
  }

  private struct Request {
    let method: String
    let path: String
    let query: String
    let body: Data

    /// The first request of `bytes`, which is removed from them; nil while it isn't whole.
    init?(takenFrom bytes: inout Data) {
      guard let end = bytes.firstRange(of: Data("\r\n\r\n".utf8)) else { return nil }
      let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
      let length =
        head.lowercased().firstMatch(of: #/content-length: *(\d+)/#).flatMap { Int($0.1) } ?? 0
      guard bytes.distance(from: end.upperBound, to: bytes.endIndex) >= length else { return nil }
      body = Data(bytes[end.upperBound..<(end.upperBound + length)])
      bytes = Data(bytes[(end.upperBound + length)...])
      let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
      let target = (words.count > 1 ? words[1] : "/").split(separator: "?", maxSplits: 1)
      method = words.first.map(String.init) ?? ""
      path = String(target.first ?? "/")
      query = target.count > 1 ? String(target[1]) : ""
    }
  }

  private static func send(_ body: String, status: String = "200 OK", to connection: Int32) {
    write(
      "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
      to: connection)
  }

  fileprivate static func chunk(_ text: String, to connection: Int32) {
    write("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n", to: connection)
  }

  private static func write(_ text: String, to connection: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

extension NodeAPIServer.State {
  /// Takes `node` over and sends it to those who watch.
  fileprivate mutating func change(_ node: NodeAPIServer.Node, _ type: String) {
    version += 1
    nodes[node.name] = node
    versions[node.name] = version
    let line = #"{"type":"\#(type)","object":\#(json(node.name))}"# + "\n"
    events.append((version, line))
    for watch in watches { NodeAPIServer.chunk(line, to: watch) }
  }

  fileprivate func json(_ name: String) -> String {
    guard let node = nodes[name] else { return "{}" }
    var labels = node.labels
    if node.isControlPlane { labels["node-role.kubernetes.io/control-plane"] = "" }
    let conditions: [[String: Any]] =
      node.notReady.map {
        [
          [
            "type": "Ready", "status": "False", "reason": $0,
            "lastTransitionTime": "2026-11-26T02:19:55Z",
          ]
        ]
      } ?? []
    let object: [String: Any] = [
      "kind": "Node", "apiVersion": "v1",
      "metadata": [
        "name": name, "uid": "uid-\(name)", "resourceVersion": "\(versions[name] ?? 0)",
        "creationTimestamp": "2026-11-20T09:00:00Z", "labels": labels, "annotations": node.annotations,
      ],
      "status": [
        "addresses": [["type": "Hostname", "address": name]], "conditions": conditions,
        "nodeInfo": ["osImage": node.operatingSystem],
      ],
    ]
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
