import Documents
import Inventories
import Platform
import RegistryKit

/// Asks for a list each interval, or again as soon as the server has answered where that holds its answers back.
struct ListPoller {
  private let client: HTTPClient
  private let session: RegistrySession
  private let url: RequestURL
  private let form: ListForm
  private let isLongPoll: Bool
  private var view: ListView
  /// By what the server tells whether the list has changed since it was last taken over.
  private var entityTag: String?
  private var lastModified: String?
  private var backoff: Backoff
  private var patience = Patience()

  /// The shortest time between two questions of a long poll.
  private static let shortestPause = Duration.seconds(1)
  /// How long a server is asked to hold back its answer.
  private static let longestWait = Duration.seconds(60)

  init(
    _ client: HTTPClient, _ session: RegistrySession, url: RequestURL, form: ListForm, isLongPoll: Bool
  ) {
    self.client = client
    self.session = session
    self.url = url
    self.form = form
    self.isLongPoll = isLongPoll
    view = ListView(session, name: "\(url)")
    let interval = client.settings.interval
    backoff = Backoff(
      initial: min(.seconds(1), interval), maximum: max(interval, .seconds(60)), factor: 2, spread: 0.2)
  }

  /// Polls until cancelled.
  mutating func run() async throws {
    let time = TimeSource(session.clock)
    while true {
      try Task.checkCancellation()
      let start = time.elapsed
      let pause: Duration
      switch try await poll() {
      case .good:
        backoff.reset()
        patience.reset()
        pause = isLongPoll ? max(.zero, Self.shortestPause - (time.elapsed - start)) : interval
      case .noList:
        patience.reset()
        pause = backoff.next()
      case .failed(let failure):
        try patience.fail(failure, at: time.elapsed)
        pause = max(backoff.next(), failure.retryAfter ?? .zero)
      }
      try await time.sleep(pause)
    }
  }

  private var interval: Duration {
    client.settings.interval * (1 - client.settings.jitter * Double.random(in: 0..<1))
  }

  private enum Outcome {
    case good
    /// The answer isn't a list.
    case noList
    case failed(HTTPFailure)
  }

  /// Asks once, and takes in what came of it.
  private mutating func poll() async throws -> Outcome {
    do {
      let settings = client.settings
      let limit = isLongPoll ? settings.idleTimeout : settings.timeout
      let (answer, body) = try await client.get(url, headers: headers, within: limit)
      guard answer.status != 304 else {
        guard view.isKnown else {
          throw HTTPFailure(.unavailable, "\(url) answers 304, not modified, though it was never read")
        }
        try view.unchanged()
        return .good
      }
      try Self.checkLength(answer, body, url)
      return try take(answer, body)
    } catch let failure as HTTPFailure {
      try view.fail(failure)
      return .failed(failure)
    }
  }

  private var headers: [(name: String, value: String)] {
    var headers = [(name: "accept", value: form.accept)]
    if let entityTag { headers.append(("if-none-match", entityTag)) }
    if let lastModified { headers.append(("if-modified-since", lastModified)) }
    if isLongPoll {
      let wait = min(client.settings.idleTimeout / 2, Self.longestWait)
      headers.append(("prefer", "wait=\(max(1, wait.components.seconds))"))
    }
    return headers
  }

  private mutating func take(_ answer: HTTPClient.Answer, _ body: [UInt8]) throws -> Outcome {
    let inventory: Inventory
    switch read(body) {
    case .success(let read): inventory = read
    case .failure(let error):
      let refusal = RegistryError(.invalidArgument, error.description)
      // What isn't a list is asked for again, whatever it is called by.
      (entityTag, lastModified) = (nil, nil)
      try view.refuse(refusal)
      return .noList
    }
    try view.take(inventory)
    entityTag = answer.header("etag")
    lastModified = answer.header("last-modified")
    return .good
  }

  /// Boxed here, as a typed error in an async loop crashes Swift 6.3's optimizer.
  private func read(_ body: [UInt8]) -> Result<Inventory, YAMLError> {
    do throws(YAMLError) {
      return .success(try form.read(body, name: "\(url)"))
    } catch {
      return .failure(error)
    }
  }

  /// Half of an answer without a length looks like all of it: only JSON shows that it isn't.
  private static func checkLength(
    _ answer: HTTPClient.Answer, _ body: [UInt8], _ url: RequestURL
  ) throws(HTTPFailure) {
    let first = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    guard !answer.isFramed, first != UInt8(ascii: "{"), first != UInt8(ascii: "[") else { return }
    throw HTTPFailure(
      .failed,
      "\(url) answers without Content-Length or chunks, so that half of it looks like all: only JSON is read so"
    )
  }
}
