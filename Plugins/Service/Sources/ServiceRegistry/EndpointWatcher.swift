import DiscoveryProtocol
import Platform
import RegistryKit

/// Reads what one service has, in one session: watches, and asks what became of nodes that it announced as
/// gone.
actor EndpointWatcher {
  private let client: any DiscoveryClient
  private let url: ServiceURL
  private let clusterID: String
  private let output: EndpointOutput
  private let time: TimeSource
  private let random: @Sendable () -> Double

  private var book: AffiliateBook
  /// When all that the service has was read; nil: it hasn't been.
  private(set) var snapshotAt: Duration?
  /// Has an element when there may be something to ask.
  private let deletions: AsyncStream<Void>
  private let deletionsSink: AsyncStream<Void>.Continuation

  /// The deadline of a watch's first answer.
  static let watchLimit = Duration.seconds(30)
  /// The deadline of a List.
  static let listLimit = Duration.seconds(5)
  /// The most nodes that are taken from one service.
  static let maximumNodes = 10_000
  /// Over how long the questions after a deletion are spread, at least: others go with it, and the nodes of
  /// the cluster, all of which get it at once, don't ask at once.
  static let questionSpread = Duration.milliseconds(200)
  /// What each node of a large cluster adds to that, and the most that it comes to: a service takes only so
  /// many calls a second of one address, which may be that of many nodes.
  static let questionSpreadPerNode = Duration.milliseconds(10)
  static let maximumQuestionSpread = Duration.seconds(5)

  /// - Parameters:
  ///   - url: where the client is connected to.
  ///   - random: gives numbers from 0 up to 1.
  init(
    _ client: any DiscoveryClient, at url: ServiceURL, settings: ServiceSettings, output: EndpointOutput,
    time: TimeSource, random: @escaping @Sendable () -> Double
  ) {
    self.client = client
    self.url = url
    clusterID = settings.clusterID
    self.output = output
    self.time = time
    self.random = random
    book = AffiliateBook(
      cipher: settings.cipher, localNodeID: settings.localNodeID, source: output.source, ttl: settings.ttl,
      maximumCount: Self.maximumNodes)
    (deletions, deletionsSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Reads until something fails.
  ///
  /// - Throws: what failed; ``SessionOver``.
  func run() async throws -> Never {
    try await withThrowingTaskGroup { group in
      group.addTask { try await self.watch() }
      group.addTask { try await self.expectSnapshot() }
      group.addTask { try await self.confirmDeletions() }
      defer { group.cancelAll() }
      // The watch ends only by throwing.
      for try await _ in group {}
    }
    throw CancellationError()
  }

  private func watch() async throws {
    let clusterID = clusterID
    try await client.watch(.with { $0.clusterID = clusterID }) { answer in try await self.take(answer) }
    throw RegistryError(.unavailable, "\(url) ended the watch")
  }

  private func take(_ answer: WireWatchResponse) throws {
    guard snapshotAt != nil else { return try takeFirst(answer) }
    let updates = book.change(answer, at: time.elapsed)
    try output.apply(updates, [.content: problem])
    if book.question != nil { deletionsSink.yield() }
  }

  private func takeFirst(_ answer: WireWatchResponse) throws {
    guard !answer.deleted else {
      throw RegistryError(.failed, "\(url) doesn't begin the watch with what there is")
    }
    let snapshot = book.snapshot(answer, at: time.elapsed)
    snapshotAt = time.elapsed
    try output.apply([snapshot], [.reading: nil, .credentials: nil, .content: problem])
  }

  private var problem: RegistryError? {
    book.problems.message.map { RegistryError(.failed, "\(url): \($0)") }
  }

  private func expectSnapshot() async throws {
    try await time.sleep(Self.watchLimit)
    guard snapshotAt != nil else {
      throw RegistryError(.deadlineExceeded, "\(url) didn't answer Watch within 30 s")
    }
  }

  /// Asks the service what it has of nodes that it announced as gone, and again until it answers.
  private func confirmDeletions() async throws {
    for await _ in deletions where book.question != nil {
      let spread = Self.questionSpreadPerNode * book.count
      try await time.sleep(min(max(Self.questionSpread, spread), Self.maximumQuestionSpread) * random())
      var backoff = Backoff()
      while let question = book.question {
        if let list = await list() {
          try output.apply(book.answered(question, by: list.affiliates), [.content: problem])
          // What was announced meanwhile is the next turn's.
          break
        }
        try output.apply(book.unanswered(question), [:])
        try await time.sleep(backoff.next(random: random()))
      }
    }
  }

  /// The service's answer to List; nil where there is none.
  private func list() async -> WireListResponse? {
    let (client, clusterID) = (client, clusterID)
    return try? await time.within(Self.listLimit) {
      try await client.list(.with { $0.clusterID = clusterID })
    }
  }
}
