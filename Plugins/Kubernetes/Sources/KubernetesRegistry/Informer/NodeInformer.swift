import ClusterModel
import Logging
import NIOCore
import RegistryKit

/// Knows all Nodes: reads them once, and then follows their changes.
///
/// Whatever happens on the way, what has been told stays until something newer is known for sure: a list that
/// fails half way changes nothing, and after a gap only what differs is told.
actor NodeInformer {
  private let client: KubernetesClient
  private let updates: RegistryUpdates
  private let health: HealthBoard
  private let localNode: LocalNode
  private let timing: InformerTiming
  private let logger: Logger
  private var view: NodeView
  private var backoff: Backoff
  /// The cluster that all below is about.
  private var cluster: Access.Cluster?
  /// Where the next watch begins; nil where everything has to be read first.
  private var version: String?
  /// How long ago the server last said something newer than what was known.
  private var sinceWord: Stopwatch
  /// How long the server can't be had, or only says no; nil while that isn't so.
  private var failing: Stopwatch?
  /// Whether it may be asked for all Nodes in one stream.
  private let mayStream: Bool
  /// Whether to ask for all Nodes in one stream; nil until the server's version is known.
  private var streamsInitialNodes: Bool?
  /// How often in a row a page's token has expired before the last page.
  private var expiredPages = 0
  /// How often in a row a watch failed after it had begun.
  private var brokenWatches = 0
  /// How often in a row a connection broke off before anything came of it.
  private var interruptions = 0
  private var session = WatchSession(draft: nil)

  init(
    client: KubernetesClient, updates: RegistryUpdates, health: HealthBoard, localNode: LocalNode,
    localNodeID: NodeIdentity?, streamsInitialNodes: Bool, timing: InformerTiming, logger: Logger
  ) {
    self.client = client
    self.updates = updates
    self.health = health
    self.localNode = localNode
    self.timing = timing
    self.logger = logger
    mayStream = streamsInitialNodes
    self.streamsInitialNodes = streamsInitialNodes ? nil : false
    sinceWord = Stopwatch(client.clock)
    backoff = timing.backoff
    view = NodeView(localNodeID: localNodeID, problems: ProblemLog(logger: logger))
  }

  /// Tells of all Nodes until the task is cancelled, or the receiver of the updates refuses.
  ///
  /// - Throws: also why nothing can be read, when that has been so for as long as ``InformerTiming/patience``.
  func run() async throws {
    while true {
      try Task.checkCancellation()
      do {
        try await step()
      } catch let error as APIError {
        try Task.checkCancellation()
        try await recover(from: error)
      }
    }
  }

  /// Reads all Nodes if that has to be done, and watches once.
  private func step() async throws {
    follow(try await client.cluster())
    if version == nil, try await !offersInitialNodes() { try await list() }
    try await watch()
  }

  /// Another cluster has other Nodes, and its versions say nothing of this one's. What was told stays until its
  /// Nodes have been read.
  private func follow(_ now: Access.Cluster) {
    guard now != cluster else { return }
    if let cluster {
      logger.notice(
        now.server == cluster.server
          ? "reading all nodes again: the authority or the name that \(now.server) is known by has changed"
          : "reading all nodes of \(now.server), and no longer of \(cluster.server)")
      localNode.forget()
    }
    cluster = now
    version = nil
    streamsInitialNodes = mayStream ? nil : false
    expiredPages = 0
    brokenWatches = 0
    interruptions = 0
  }

  /// The server gave what it was asked for.
  private func reached() { failing = nil }

  /// Decides what to do about a failure, tells of it, and waits.
  private func recover(from error: APIError) async throws {
    switch error.kind {
    case .expired, .moved:
      // It happens in the best of clusters: told only to who looks closely.
      logger.info("reading all nodes again: \(error.error.message)")
      version = nil
    case .interrupted where version != nil && interruptions == 0:
      interruptions += 1
      logger.debug("resuming the watch: \(error.error.message)")
    default:
      try health.set(.reading, error.error)
      if error.kind == .malformed { version = nil }
    }
    let failing = failing ?? Stopwatch(client.clock)
    self.failing = failing
    let left = timing.patience - failing.elapsed
    // Once more when patience ends, not long after it.
    let wait = left > .zero ? min(backoff.next(), left) : .zero
    try await client.clock.sleep(for: max(wait, min(error.retryAfter ?? .zero, timing.maximumRetryAfter)))
    if left <= .zero { throw error.error }
  }

  // MARK: Reading everything

  /// Whether all Nodes come in one stream at the beginning of a watch.
  private func offersInitialNodes() async throws -> Bool {
    if let known = streamsInitialNodes { return known }
    let offers: Bool
    do {
      let body = try await client.data(.version, of: cluster, maximum: 64 << 10)
      offers = ServerVersion(body).map { $0 >= ServerVersion.withInitialEvents } ?? false
    } catch let error as APIError {
      // Who may read Nodes need not be allowed to ask for the version.
      guard case .status(403...404) = error.kind else { throw error }
      offers = false
    }
    streamsInitialNodes = offers
    return offers
  }

  /// Reads all pages, and takes them over when all are there.
  private func list() async throws {
    let reading = ListReading(
      view: view, localNode: localNode, of: cluster, limit: timing.nodeLimit)
    var token: String?
    // Where pages expire faster than they are read, all is read at once.
    let limit = expiredPages < 2 ? timing.pageSize : nil
    repeat {
      do {
        token = try await reading.page(from: client, .list(limit: limit, continueToken: token))
        reached()
      } catch let error as APIError where error.kind == .expired && token != nil {
        expiredPages += 1
        throw error
      }
    } while token != nil
    expiredPages = 0
    let (draft, end) = await reading.result
    try takeOver(draft, at: end)
    logger.debug("read \(view.count) nodes at version \(end)")
  }

  /// What was read is all that there is, however it compares with what was known.
  private func takeOver(_ draft: NodeView.Draft, at end: String) throws {
    version = end
    sinceWord = Stopwatch(client.clock)
    localNode.complete(draft.own)
    try tell(view.replace(with: draft))
  }

  // MARK: Watching

  /// Follows the changes from ``version`` on, or from nothing, until the server ends the watch.
  private func watch() async throws {
    let seconds = Int.random(in: timing.watchSeconds)
    let silence = SilenceLimit(
      initial: version == nil ? client.timing.silence : nil, watch: .seconds(seconds) + timing.grace,
      regular: timing.bookmarkSilence, lateness: .seconds(max(seconds - 30, 0)))
    session = WatchSession(draft: version == nil ? NodeView.Draft(own: localNode.beginReading()) : nil)
    let request = APIRequest.watch(from: version, seconds: seconds)
    // Ended with this function.
    async let _: Void = settle()
    do {
      try await client.stream(request, of: cluster, silence: { silence.now }) {
        try await self.accepted()
      } take: { part in
        try await self.take(part, silence: silence)
      }
      if let trouble = session.finish() { throw trouble }
    } catch let error as NodeDecodeError {
      throw broken(APIError(.malformed, RegistryError(.failed, "the watch of nodes can't be read: \(error)")))
    } catch InformerSignal.watchError(let code, let reason, let message) {
      throw broken(watchError(code: code, reason: reason, message: message))
    } catch let error as APIError where version == nil && Self.refusesInitialNodes(error) {
      logger.info("the server doesn't stream all nodes, so they are read in pages: \(error.error.message)")
      streamsInitialNodes = false
      return
    } catch let error as APIError where error.kind == .interrupted && version != nil {
      throw error
    } catch let error as APIError where error.kind == .silent && version != nil {
      doubtVersion()
      throw error
    }
    guard version != nil else {
      streamsInitialNodes = false
      throw APIError(
        .malformed, RegistryError(.failed, "the server ended the stream of all nodes before its end"))
    }
    doubtVersion()
    // A server that ends watches at once isn't asked in a tight loop.
    if !session.hasSettled { try await client.clock.sleep(for: backoff.next()) }
  }

  /// A server that was restored from a backup accepts a watch from a version that it hasn't reached yet, and says
  /// nothing until it has. So when nothing came for long, no bookmark either, all is read anew.
  private func doubtVersion() {
    guard session.isAccepted, !session.hasHeard, sinceWord.elapsed >= timing.doubtsVersion,
      let known = version
    else { return }
    logger.info("reading all nodes again: the server has said nothing of them since version \(known)")
    version = nil
  }

  /// The server agreed to a watch. After one that broke, that has to prove itself first.
  private func accepted() throws {
    session.isAccepted = true
    reached()
    if brokenWatches == 0, session.draft == nil { try health.set(.reading, nil) }
  }

  /// Waits until the watch has lasted for long enough to count as one that works.
  private func settle() async {
    while !session.hasSettled {
      guard (try? await client.clock.sleep(for: timing.settled)) != nil else { return }
      if session.isAccepted, session.draft == nil { try? works() }
    }
  }

  /// Takes in what came of a watch.
  private func take(_ part: ByteBuffer, silence: SilenceLimit) throws {
    let skipped = session.skipped
    let events = try session.feed(part)
    if skipped == 0, session.skipped > 0 {
      logger.warning("the server sent an object without a name in a watch of nodes; such are left out")
    }
    guard !events.isEmpty else { return }
    for event in events {
      switch event {
      case .added(let node), .modified(let node):
        advance(to: node.resourceVersion, unless: session.draft != nil)
        if session.draft != nil {
          session.add(node, view: view, localNode: localNode)
          if session.draft?.count ?? 0 > timing.nodeLimit {
            throw APIError.tooManyNodes(limit: timing.nodeLimit)
          }
        } else {
          localNode.observe(node)
          try tell(view.set(node))
        }
      case .deleted(let node):
        advance(to: node.resourceVersion, unless: session.draft != nil)
        if session.draft != nil {
          session.remove(node, localNode: localNode)
        } else {
          localNode.forget(node)
          try tell(view.remove(node))
        }
      case .bookmark(let bookmark, let isEnd):
        if isEnd, let draft = session.draft {
          session.draft = nil
          silence.initialEnd()
          try takeOver(draft, at: bookmark)
        } else {
          advance(to: bookmark, unless: session.draft != nil)
        }
        silence.bookmark()
      case .error(let code, let reason, let message):
        throw InformerSignal.watchError(code: code, reason: reason, message: message)
      }
    }
    if session.draft == nil { try works() }
  }

  /// The newest version that is known. Events and bookmarks that are late don't take it back.
  private func advance(to new: String, unless isDraft: Bool) {
    guard !isDraft, !new.isEmpty else { return }
    if let current = version.flatMap({ UInt64($0) }), let new = UInt64(new), new < current { return }
    version = new
    session.hasHeard = true
    sinceWord = Stopwatch(client.clock)
  }

  /// The watch works.
  private func works() throws {
    session.hasSettled = true
    backoff.reset()
    brokenWatches = 0
    interruptions = 0
    try health.set(.reading, nil)
  }

  /// A watch failed after it had begun: if it does so again and again from one version, all is read anew.
  private func broken(_ error: APIError) -> APIError {
    guard error.kind != .expired else { return error }
    brokenWatches += 1
    if brokenWatches > 2 || error.kind == .malformed { version = nil }
    return error
  }

  private func watchError(code: Int, reason: String, message: String) -> APIError {
    let status = APIStatus(message: message, reason: reason, code: code)
    let shown = APIError.shown(message)
    if status.isExpired {
      return APIError(
        .expired, RegistryError(.unavailable, "the server no longer has what was asked for: \(shown)"))
    }
    return APIError(
      .status(code),
      RegistryError(.unavailable, "the server ended the watch of nodes (\(code) \(reason)): \(shown)"))
  }

  private static func refusesInitialNodes(_ error: APIError) -> Bool {
    switch error.kind {
    case .status(400), .status(422), .silent: true
    default: false
    }
  }

  private func tell(_ changes: [RegistryUpdate]) throws {
    for change in changes { try updates.send(.update(change)) }
  }
}
