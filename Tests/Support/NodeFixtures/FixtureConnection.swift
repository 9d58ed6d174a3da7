import Dispatch

/// Answers the requests of one connection, one after another.
struct FixtureConnection: Sendable {
  let socket: FixtureSocket
  let cluster: FixtureCluster
  let isStopped: @Sendable () -> Bool
  let sendsInitialEvents: Bool
  let received: @Sendable (String) -> Void

  /// Until the other side goes or the server stops.
  func serve() {
    var bytes: [UInt8] = []
    while !isStopped() {
      guard let end = headEnd(bytes) else {
        guard bytes.count < 65_536, let more = socket.read() else { return }
        bytes += more
        continue
      }
      guard let request = FixtureRequest(head: String(decoding: bytes[..<end], as: UTF8.self)) else { return }
      bytes.removeFirst(end + 4)
      while bytes.count < request.contentLength {
        guard let more = socket.read() else { return }
        bytes += more
      }
      bytes.removeFirst(request.contentLength)
      received("\(request.method) \(request.path)")
      guard answer(request) else { return }
    }
  }

  /// Where the empty line that ends a request's head begins.
  private func headEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (0...(bytes.count - 4)).first { bytes[$0..<($0 + 4)].elementsEqual([13, 10, 13, 10]) }
  }

  /// False: the connection ends.
  private func answer(_ request: FixtureRequest) -> Bool {
    switch (request.method, request.path) {
    case ("GET", "/api/v1/nodes"): return request.isOn("watch") ? watch(request) : list(request)
    case ("GET", "/version"):
      let minor = sendsInitialEvents ? 32 : 20
      return send(200, "{\"major\":\"1\",\"minor\":\"\(minor)\",\"gitVersion\":\"v1.\(minor).2\"}")
    case ("POST", "/fixture/change"):
      guard let node = cluster.change(request.number("node") ?? -1) else { return notFound(request) }
      return send(200, "\(node.resourceVersion)\n")
    case ("POST", "/fixture/bookmark"):
      cluster.bookmark()
      return send(200, "\(cluster.version)\n")
    default: return notFound(request)
    }
  }

  private func notFound(_ request: FixtureRequest) -> Bool {
    let message = "the server of the tests has no \(request.method) \(request.path)"
    return send(404, NodeListJSON.status(code: 404, reason: "NotFound", message: message))
  }

  private func list(_ request: FixtureRequest) -> Bool {
    // The token is the number of the next Node and the version of the list that it goes on with.
    let token = (request.query["continue"] ?? "").split(separator: "-").compactMap { Int($0) }
    let start = token.first ?? 0
    let page = cluster.page(from: start, limit: request.number("limit") ?? 0)
    let version = token.count == 2 ? token[1] : page.version
    let next = page.remaining > 0 ? "\(start + page.items.count)-\(version)" : ""
    return send(
      200,
      NodeListJSON.list(
        page.items, resourceVersion: version, continueToken: next, remaining: page.remaining))
  }

  private func send(_ code: Int, _ body: String) -> Bool {
    let body = Array(body.utf8)
    let head = """
      HTTP/1.1 \(code) \(code == 200 ? "OK" : "Failure")\r\nContent-Type: application/json\r\n\
      Content-Length: \(body.count)\r\n\r\n
      """
    return socket.write(Array(head.utf8) + body)
  }

  // MARK: Watching

  private func watch(_ request: FixtureRequest) -> Bool {
    let wantsAll = request.isOn("sendInitialEvents")
    if wantsAll, !sendsInitialEvents {
      let message = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch"
      return send(422, NodeListJSON.status(code: 422, reason: "Invalid", message: message))
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    guard socket.write(Array(head.utf8)) else { return false }
    var version = request.number("resourceVersion") ?? cluster.version
    if wantsAll {
      let page = cluster.page(from: 0, limit: 0)
      version = page.version
      let prefix = "{\"kind\":\"Node\",\"apiVersion\":\"v1\","
      for item in page.items {
        guard chunk(Array(NodeListJSON.event("ADDED", prefix + item.dropFirst()).utf8)) else { return false }
      }
      let bookmark = NodeListJSON.bookmark(resourceVersion: version, initialEventsEnd: true)
      guard chunk(Array(bookmark.utf8)) else { return false }
    }
    return follow(from: version, seconds: request.number("timeoutSeconds") ?? 3600)
  }

  private func follow(from version: Int, seconds: Int) -> Bool {
    guard var last = cluster.lastSeen(at: version) else { return expire(version) }
    let signal = DispatchSemaphore(value: 0)
    defer { cluster.leave(signal) }
    let end = DispatchTime.now() + .seconds(seconds)
    while !isStopped(), DispatchTime.now() < end {
      guard let events = cluster.events(after: last, signal: signal) else { return expire(version) }
      if let newest = events.last {
        last = newest.number
        guard chunk(Array(events.map(\.line).joined())) else { return false }
      } else {
        _ = signal.wait(timeout: min(end, .now() + .milliseconds(500)))
        if socket.isClosed { return false }
      }
    }
    return chunk([])
  }

  /// Ends a watch that can't go on.
  private func expire(_ version: Int) -> Bool {
    let message = "too old resource version: \(version)"
    let status = NodeListJSON.status(code: 410, reason: "Expired", message: message)
    return chunk(Array(NodeListJSON.event("ERROR", status).utf8)) && chunk([])
  }

  /// An empty one ends the answer.
  private func chunk(_ bytes: [UInt8]) -> Bool {
    socket.write(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10])
  }
}
