import ClusterModel
import Logging
import NIOCore
import Platform
import RegistryKit

/// Knows all Nodes: reads them once, and then follows their changes.
///
/// Whatever happens on the way, what was applied stays until something newer is known for sure: a list that
/// fails half way changes nothing, and after a gap only what differs is applied.
actor NodeInformer {
  private let client: KubernetesClient
  private let session: RegistrySession
  private let ownNode: OwnNode
  private let timing: InformerTiming
  private var reading: AspectReporter
  private var view: NodeView
  private var backoff: Backoff
  /// The cluster that all below is about.
  private var cluster: Access.Cluster?
  /// Where the next watch begins; nil where everything has to be read first.
  private var version: String?
  /// When the server last sent something newer than what was known.
  private var lastProgress: Duration
  /// Since when the server can't be had, or only refuses; nil while that isn't so.
  private var failingSince: Duration?
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
  /// How often the server no longer had what it had just given, since a watch has lasted.
  private var setbacks = 0
  /// How often in a row a watch ended before anything came of it.
  private var emptyWatches = 0
  /// The Nodes that have been read of all; nil while nothing but changes is read.
  private var draft: NodeView.Draft?
  private var page: NodeListDecoder
  private var watch: NodeWatch
  private let prefixes: LabelPrefixes

  init(
    client: KubernetesClient, session: RegistrySession, ownNode: OwnNode, settings: KubernetesSettings,
    timing: InformerTiming
  ) {
    self.client = client
    self.session = session
    self.ownNode = ownNode
    self.timing = timing
    reading = AspectReporter(.reading, session)
    prefixes = settings.labels
    page = NodeListDecoder(prefixes: prefixes)
    watch = NodeWatch(prefixes: prefixes)
    mayStream = settings.sendsInitialEvents
    streamsInitialNodes = mayStream ? nil : false
    lastProgress = client.time.elapsed
    backoff = timing.backoff
    view = NodeView(
      localNodeID: session.context.localNodeID, choice: settings.nodes,
      problems: ProblemLog(logger: session.logger))
  }

  /// Applies all Nodes and their changes until the task is cancelled, or the session refuses.
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
    guard try await watchOnce() else { return }
    // A server that ends watches at once isn't asked in a tight loop.
    emptyWatches += 1
    if emptyWatches >= timing.setbacks {
      try reading.report(
        RegistryError(.unavailable, "no watch of nodes lasts: the server ends each as soon as it has begun"))
    }
    try await client.time.sleep(backoff.next())
  }

  /// Another cluster has other Nodes, and its versions mean nothing in this one. What was applied stays until
  /// its Nodes have been read.
  private func follow(_ now: Access.Cluster) {
    guard now != cluster else { return }
    if let cluster {
      session.logger.notice(
        now.server == cluster.server
          ? "reading all nodes again: the authority or the name that \(now.server) is known by has changed"
          : "reading all nodes of \(now.server), and no longer of \(cluster.server)")
      ownNode.forget()
    }
    cluster = now
    version = nil
    streamsInitialNodes = mayStream ? nil : false
    expiredPages = 0
    brokenWatches = 0
    interruptions = 0
    setbacks = 0
    emptyWatches = 0
  }

  /// Decides what to do about a failure, reports it, and waits.
  private func recover(from error: APIError) async throws {
    switch error.kind {
    case .expired:
      // It happens in the best of clusters: only in the log, unless it goes on.
      try setBack(error.error)
      version = nil
    case .moved:
      session.logger.info("reading all nodes again: \(error.error.message)")
      version = nil
    case .interrupted where version != nil && (interruptions == 0 || hasLasted):
      // Proxies end what is idle for a while.
      interruptions += 1
      session.logger.info("resuming the watch: \(error.error.message)")
    default:
      try reading.report(error.isOfCredentials ? .withoutCredentials("shows nobody its Nodes") : error.error)
      if error.kind == .malformed { version = nil }
    }
    let since = failingSince ?? client.time.elapsed
    failingSince = since
    let left = timing.patience - (client.time.elapsed - since)
    // Once more when patience ends, not long after it.
    let wait = left > .zero ? min(backoff.next(), left) : .zero
    try await client.time.sleep(max(wait, min(error.retryAfter ?? .zero, timing.maximumRetryAfter)))
    if left <= .zero { throw error.error }
  }

  /// Whether the last watch lived for a while, if only as long as a proxy that ends what is idle lets it.
  private var hasLasted: Bool {
    watch.acceptedAt.map { client.time.elapsed - $0 >= timing.lasting } ?? false
  }

  /// Something went wrong that may happen now and then; it is reported if nothing else happens.
  private func setBack(_ error: RegistryError) throws {
    setbacks += 1
    guard isSetBack else {
      session.logger.info("reading all nodes again: \(error.message)")
      return
    }
    try reading.report(RegistryError(error.code, "again and again \(error.message)", cause: error))
  }

  /// Whether it isn't enough that a watch begins, as that is all that happens.
  private var isSetBack: Bool { setbacks >= timing.setbacks || emptyWatches >= timing.setbacks }

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
    draft = NodeView.Draft(own: ownNode.beginReading())
    defer { draft = nil }
    // Where pages expire faster than they are read, all is read at once.
    let limit = expiredPages < 2 ? timing.pageSize : nil
    var token: String?
    var end: NodeListEnd
    repeat {
      do {
        end = try await readPage(.list(limit: limit, continueToken: token))
      } catch let error as APIError where error.kind == .expired && token != nil {
        expiredPages += 1
        throw error
      }
      token = end.continueToken
    } while token != nil
    expiredPages = 0
    try complete(at: end.resourceVersion)
    session.logger.debug("read \(view.count) nodes at version \(end.resourceVersion)")
  }

  private func readPage(_ request: APIRequest) async throws -> NodeListEnd {
    page = NodeListDecoder(prefixes: prefixes)
    let silence = client.timing.silence
    do {
      try await client.stream(request, of: cluster, silence: { silence }) { part in
        try await self.takePage(part)
      }
      let end = try page.finish()
      if page.skipped > 0 { view.noteNameless() }
      // So that pages without Nodes have an end too.
      try draft?.endPage(limit: timing.nodeLimit)
      failingSince = nil
      return end
    } catch let error as NodeDecodeError {
      throw APIError(
        .malformed, RegistryError(.failed, "the list of nodes can't be read: \(error)", cause: error))
    }
  }

  private func takePage(_ part: ByteBuffer) throws {
    for node in try part.withUnsafeReadableBytes({ try page.feed($0) }) { try add(node) }
  }

  /// A Node of all that are read.
  private func add(_ node: NodeObject) throws {
    // Taken out, so that it isn't copied.
    guard var draft = draft.take() else { return }
    defer { self.draft = draft }
    ownNode.add(node, to: &draft.own)
    try view.add(node, to: &draft, limit: timing.nodeLimit)
  }

  /// What was read is all that there is, however it compares with what was known.
  private func complete(at end: String) throws {
    guard let draft = draft.take() else { return }
    version = end
    lastProgress = client.time.elapsed
    ownNode.complete(draft.own)
    try apply(view.replace(with: draft))
  }

  // MARK: Watching

  /// Follows the changes from ``version`` on, or from nothing, until the server ends the watch.
  ///
  /// - Returns: whether it ended before anything came of it.
  private func watchOnce() async throws -> Bool {
    let seconds = Int.random(in: timing.watchSeconds)
    let silence = SilenceLimit(
      initial: version == nil ? client.timing.silence : nil, watch: .seconds(seconds) + timing.grace,
      regular: timing.bookmarkSilence, lateness: .seconds(max(seconds - 30, 0)), time: client.time)
    draft = version == nil ? NodeView.Draft(own: ownNode.beginReading()) : nil
    defer { draft = nil }
    watch = NodeWatch(prefixes: prefixes)
    let request = APIRequest.watch(from: version, seconds: seconds)
    // Ended with this function.
    async let _: Void = settle()
    do {
      try await client.stream(request, of: cluster, silence: { silence.now }) {
        try await self.accepted()
      } take: { part in
        try await self.takeWatch(part, silence: silence)
      }
      if let error = watch.finish() { throw error }
    } catch let error as NodeDecodeError {
      throw broken(
        APIError(
          .malformed, RegistryError(.failed, "the watch of nodes can't be read: \(error)", cause: error)))
    } catch let error as APIError where draft != nil && error.refusesInitialNodes {
      session.logger.info(
        "the server doesn't stream all nodes, so they are read in pages: \(error.error.message)")
      streamsInitialNodes = false
      return false
    } catch let error as APIError where draft == nil && error.kind == .silent {
      relistIfQuiet()
      throw error
    }
    guard draft == nil else {
      streamsInitialNodes = false
      throw APIError(
        .malformed, RegistryError(.failed, "the server ended the stream of all nodes before its end"))
    }
    relistIfQuiet()
    return !watch.hasSettled
  }

  /// A server that was restored from a backup accepts a watch from a version that it hasn't reached yet, and
  /// sends nothing until it has. So when nothing came for long, no bookmark either, all is read anew.
  private func relistIfQuiet() {
    guard watch.isAccepted, !watch.hasProgress, let known = version,
      client.time.elapsed - lastProgress >= timing.quietLimit
    else { return }
    session.logger.info("reading all nodes again: the server has sent nothing of them since version \(known)")
    version = nil
  }

  /// The server agreed to a watch. After one that broke, that has to prove itself first.
  private func accepted() throws {
    watch.isAccepted = true
    watch.acceptedAt = client.time.elapsed
    failingSince = nil
    if brokenWatches == 0, !isSetBack, draft == nil { try reading.report(nil) }
  }

  /// Waits until the watch has lasted for long enough to count as one that works.
  private func settle() async {
    repeat {
      guard (try? await client.time.sleep(timing.settled)) != nil else { return }
    } while !watch.isAccepted || draft != nil
    setbacks = 0
    try? works()
  }

  /// Takes in what came of a watch, and applies it at once.
  private func takeWatch(_ part: ByteBuffer, silence: SilenceLimit) throws {
    let skipped = watch.skipped
    let events = try watch.feed(part)
    if skipped == 0, watch.skipped > 0 { view.noteNameless() }
    guard !events.isEmpty else { return }
    var updates: [RegistryUpdate] = []
    for event in events {
      switch event {
      case .added(let node), .modified(let node):
        guard draft == nil else {
          try add(node)
          continue
        }
        advance(to: node.resourceVersion)
        ownNode.observe(node)
        updates += view.set(node)
      case .deleted(let node):
        guard draft == nil else {
          draft?.remove(node.name)
          if var own = draft?.own {
            ownNode.remove(node, from: &own)
            draft?.own = own
          }
          continue
        }
        advance(to: node.resourceVersion)
        ownNode.remove(node)
        updates += view.remove(node)
      case .bookmark(let bookmark, let isEnd):
        if draft == nil {
          advance(to: bookmark)
        } else if isEnd {
          silence.initialEnd()
          try complete(at: bookmark)
        }
        silence.bookmark()
      case .error(let code, let reason, let message):
        try apply(updates)
        throw broken(.watch(code: code, reason: reason, message: message))
      }
    }
    try apply(updates)
    if draft == nil { try works() }
  }

  /// The newest version that is known. Events and bookmarks that are late don't take it back.
  private func advance(to new: String) {
    guard !new.isEmpty else { return }
    if let current = version.flatMap({ UInt64($0) }), let new = UInt64(new), new < current { return }
    version = new
    watch.hasProgress = true
    lastProgress = client.time.elapsed
  }

  /// The watch works.
  private func works() throws {
    watch.hasSettled = true
    if setbacks == 0 { backoff.reset() }
    brokenWatches = 0
    interruptions = 0
    emptyWatches = 0
    if !isSetBack { try reading.report(nil) }
  }

  /// A watch failed after it had begun: if it does so again and again from one version, all is read anew.
  private func broken(_ error: APIError) -> APIError {
    guard error.kind != .expired else { return error }
    brokenWatches += 1
    if brokenWatches > 2 || error.kind == .malformed { version = nil }
    return error
  }

  private func apply(_ updates: [RegistryUpdate]) throws {
    if !updates.isEmpty { try session.apply(RegistryBatch(updates: updates)) }
  }
}

extension APIError {
  /// The server ended a watch with an error.
  fileprivate static func watch(code: Int, reason: String, message: String) -> APIError {
    let status = APIStatus(message: message, reason: reason, code: code)
    let shown = APIError.shown(message)
    if status.isExpired {
      return APIError(
        .expired,
        RegistryError(
          .unavailable,
          "the server doesn't have what was asked for (\(code))\(shown.isEmpty ? "" : ": \(shown)")"))
    }
    return APIError(
      .status(code),
      RegistryError(.unavailable, "the server ended the watch of nodes (\(code) \(reason)): \(shown)"))
  }

  /// Whether a server answers so that can't begin a watch with all Nodes.
  fileprivate var refusesInitialNodes: Bool {
    switch kind {
    case .status(400), .status(422), .silent: true
    default: false
    }
  }
}
