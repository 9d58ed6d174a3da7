import ClusterModel
import Documents
import Inventories
import NIOCore
import Platform
import RegistryKit
import Synchronization

/// Follows a stream of updates, and connects again when it ends.
struct UpdateFollower: Sendable {
  let client: HTTPClient
  let session: RegistrySession
  let url: RequestURL
  let isSSE: Bool

  /// Follows until cancelled.
  func run() async throws {
    let state = Mutex(
      StreamState(session, name: "\(url)", maximumBytes: client.settings.maximumBytes, isSSE: isSSE))
    let time = TimeSource(session.clock)
    var patience = Patience()
    var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), factor: 2, spread: 0.2)
    while true {
      try Task.checkCancellation()
      state.withLock { $0.begin() }
      var failure: HTTPFailure?
      do {
        var headers = [
          (
            name: "accept",
            value: isSSE ? "text/event-stream" : "application/x-ndjson, application/json;q=0.9"
          )
        ]
        headers.append(("cache-control", "no-cache"))
        if isSSE, let last = state.withLock({ $0.lastID }) { headers.append(("last-event-id", last)) }
        try await client.stream(url, headers: headers) { answer in
          if isSSE, answer.header("content-type")?.lowercased().hasPrefix("text/event-stream") != true {
            throw HTTPFailure(.failed, "\(url) doesn't answer with a stream of events (text/event-stream)")
          }
        } take: { bytes in
          try state.withLock { try $0.take(bytes) }
        }
        failure = try state.withLock { try $0.end() }
      } catch let error as HTTPFailure {
        failure = error
      }
      // One that has worked begins anew.
      let (hasWorked, retry) = state.withLock { ($0.hasWorked, $0.retry) }
      if hasWorked {
        backoff.reset()
        patience.reset()
      }
      if let failure {
        try state.withLock { try $0.fail(failure) }
        try patience.fail(failure, at: time.elapsed)
      }
      try await time.sleep(max(backoff.next(), failure?.retryAfter ?? .zero, retry ?? .zero))
    }
  }
}

/// What a stream has said, over all its connections.
private struct StreamState {
  private let session: RegistrySession
  private let name: String
  private let maximumBytes: Int
  private let isSSE: Bool
  private var view: UpdateView
  private var problems: ProblemReports
  private var lines: LineSplitter
  private var events = EventStream()
  private var eventNumber = 0
  /// Whether this connection has said something that could be used.
  private(set) var hasWorked = false
  /// The last event that was taken.
  private(set) var lastID: String?

  init(_ session: RegistrySession, name: String, maximumBytes: Int, isSSE: Bool) {
    self.session = session
    self.name = name
    self.maximumBytes = maximumBytes
    self.isSSE = isSSE
    view = UpdateView(localNodeID: session.context.localNodeID)
    lines = LineSplitter(maximum: maximumBytes)
    problems = ProblemReports(
      logger: session.logger,
      recoveries: [
        .reading: "\(name) can be read again", .content: "all of \(name) is good again",
        .credentials: "\(name) accepts the credentials again",
      ])
  }

  /// How long the server wants not to be asked again, bounded.
  var retry: Duration? { events.retry.map { .milliseconds(min(max($0, 10), 60_000)) } }

  /// A connection begins.
  mutating func begin() {
    lines = LineSplitter(maximum: maximumBytes)
    events = EventStream(id: lastID)
    hasWorked = false
  }

  mutating func take(_ bytes: ByteBuffer) throws {
    if isSSE {
      let complete: [ServerSentEvent]
      do { complete = try events.take(bytes.readableBytesView) } catch {
        throw HTTPFailure(.limitExceeded, "\(name): \(error)")
      }
      for event in complete {
        eventNumber += 1
        guard event.data.count <= maximumBytes else {
          throw HTTPFailure(.limitExceeded, "\(name): an event has more than \(maximumBytes) bytes")
        }
        try take(line: Self.line(of: event), number: eventNumber)
        lastID = event.id
      }
    } else {
      let complete: [(number: Int, bytes: [UInt8])]
      do { complete = try lines.take(bytes.readableBytesView) } catch {
        throw HTTPFailure(.limitExceeded, "\(name): \(error)")
      }
      for line in complete { try take(line: line.bytes, number: line.number) }
    }
  }

  /// An event's data is an update, or what an event has that is called as an update is.
  private static func line(of event: ServerSentEvent) -> [UInt8] {
    guard ["snapshot", "upsert", "remove", "degraded"].contains(event.name) else { return event.data }
    return Array("{\"\(event.name)\":".utf8) + event.data + Array("}".utf8)
  }

  private mutating func take(line: [UInt8], number: Int) throws {
    var batch = RegistryBatch()
    switch read(line, number) {
    case .success(nil): return
    case .success(let update?):
      batch.updates = view.take(update)
      hasWorked = true
    case .failure(let error): view.take(error)
    }
    batch.reports = [
      problems.report(.reading, view.degradation.map { [$0] } ?? []), problems.report(.credentials, []),
      problems.report(.content, view.contentErrors),
    ].compactMap(\.self)
    if !batch.isEmpty { try session.apply(batch) }
  }

  private func read(_ line: [UInt8], _ number: Int) -> Result<UpdateLine?, YAMLError> {
    do throws(YAMLError) {
      return .success(
        try UpdateLine.read(line, name: name, number: number, maximumBytes: maximumBytes + 64))
    } catch {
      return .failure(error)
    }
  }

  /// The connection ended as the server wanted it.
  ///
  /// - Returns: what is wrong with that; nil where it is to be expected.
  mutating func end() throws -> HTTPFailure? {
    if lines.isWithinLine {
      return HTTPFailure(
        .unavailable, "\(name) ended in the midst of line \(lines.number), which isn't taken over")
    }
    return hasWorked ? nil : HTTPFailure(.unavailable, "\(name) ended without an update")
  }

  mutating func fail(_ failure: HTTPFailure) throws {
    let batch = RegistryBatch(reports: problems.reports(of: failure, name))
    if !batch.isEmpty { try session.apply(batch) }
  }
}
