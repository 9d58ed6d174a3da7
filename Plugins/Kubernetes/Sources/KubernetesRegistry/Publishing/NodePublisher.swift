import ClusterModel
import Logging
import Platform
import RegistryKit

/// Keeps the annotations of this machine's Node as the session desires them: writes what differs, and writes
/// it again when somebody else changes it.
///
/// What failed is written again when the host hands it again, or when a Node that was missing is there.
actor NodePublisher {
  /// What the Node's annotations are to be.
  private struct Target {
    var revision: UInt64
    var nodeName: String
    var nodeID: NodeIdentity
    /// nil removes them.
    var annotations: [NodeAnnotation: String]?

    /// What makes it of `known`.
    func changes(from known: OwnNode.Known) -> AnnotationChanges {
      guard let annotations else { return .withdrawing(nodeID, from: known.annotations) }
      return AnnotationChanges(from: known.annotations, to: annotations)
    }
  }

  private enum State {
    /// The target is to be written now.
    case due
    /// It couldn't be: the host hands it again.
    case failed
    /// There is no such Node yet.
    case missing
    /// It was written, and is kept.
    case kept
  }

  /// The most attempts at a change that others' changes get in the way of.
  static let maximumConflicts = 5

  private let client: KubernetesClient
  private let session: RegistrySession
  private let settings: KubernetesSettings
  private let node: OwnNode
  private let timing: InformerTiming

  private var target: Target?
  private var state = State.due
  /// How often a target was handed over: what came of an earlier one doesn't decide about a later one.
  private var handovers = 0
  /// Until when the server asks to be left alone.
  private var busyUntil = Duration.zero
  /// When what somebody else changed is changed back.
  private var restoreAt: Duration?
  private var lastRestore = Duration.zero
  private var restoring: Backoff
  private var conflict: IdentityConflict

  init(
    client: KubernetesClient, session: RegistrySession, settings: KubernetesSettings, node: OwnNode,
    timing: InformerTiming
  ) {
    self.client = client
    self.session = session
    self.settings = settings
    self.node = node
    self.timing = timing
    restoring = timing.restoring
    conflict = IdentityConflict(memory: timing.restoreMemory)
  }

  /// Works until the task is cancelled.
  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask { for await desired in self.session.desired { await self.take(desired) } }
      group.addTask { try await self.work() }
      try await group.waitForAll()
    }
  }

  // MARK: What is desired

  private func take(_ desired: DesiredPublication) {
    let revision = desired.revision
    guard settings.publishes else {
      let reason =
        settings.nodes == .all
        ? "with nodes: all it publishes only where its option publish is true" : "its option publish is false"
      return session.published(revision, RegistryError(.unsupported, reason))
    }
    guard let local = desired.publication?.local else { return withdraw(revision) }
    guard !local.nodename.isEmpty else {
      return session.published(
        revision,
        RegistryError(
          .invalidArgument,
          "this node has no nodename, so it isn't known which Node it is; set node.nodename to the Node's name"
        ))
    }
    set(
      Target(
        revision: revision, nodeName: local.nodename, nodeID: local.nodeID,
        annotations: NodeAnnotation.values(of: local)))
  }

  /// The node leaves: its annotations are removed if that is wanted. They are the kubelet's Node's otherwise,
  /// and stay as long as that does.
  private func withdraw(_ revision: UInt64) {
    guard settings.withdrawsOnStop, var target else {
      self.target = nil
      return session.published(revision)
    }
    target.revision = revision
    target.annotations = nil
    set(target)
  }

  private func set(_ target: Target) {
    self.target = target
    state = .due
    handovers += 1
    node.setName(target.nodeName)
    node.changes.notify()
  }

  // MARK: Work

  private func work() async throws {
    while true {
      try Task.checkCancellation()
      let seen = node.changes.value
      switch try await step() {
      case .some(let wait): await client.time.wait(for: wait, or: node.changes, after: seen)
      case nil: await node.changes.wait(after: seen)
      }
    }
  }

  /// Does what there is to do now.
  ///
  /// - Returns: after how long there may be more to do; nil: not before something changes.
  private func step() async throws -> Duration? {
    let now = client.time.elapsed
    if conflict.expire(at: now), state == .kept { try report(nil) }
    guard let target else { return conflict.remaining(at: now) }
    if state != .failed, now < busyUntil { return busyUntil - now }
    switch state {
    case .due: break
    case .missing where node.known != nil: break
    case .failed, .missing: return conflict.remaining(at: now)
    case .kept:
      guard let changes = node.known.map(target.changes(from:)), !changes.isEmpty else {
        restoreAt = nil
        return conflict.remaining(at: now)
      }
      if let wait = waitToRestore(changes, of: target.nodeName, at: now) { return wait }
    }
    try await write(target)
    return .zero
  }

  /// How long to wait before `changes` are made, which somebody else has made necessary; nil: they are due.
  private func waitToRestore(_ changes: AnnotationChanges, of name: String, at now: Duration) -> Duration? {
    if let restoreAt, now >= restoreAt {
      self.restoreAt = nil
      lastRestore = now
      return nil
    }
    if let restoreAt { return restoreAt - now }
    if now - lastRestore > timing.restoreMemory { restoring.reset() }
    let wait = restoring.next()
    restoreAt = now + wait
    session.logger.warning("somebody changed \(changes.names) of Node '\(name)'; they are set again")
    return wait
  }

  private func write(_ target: Target) async throws {
    let handover = handovers
    do {
      if let other = try await fulfil(target) {
        session.logger.warning(
          "Node '\(target.nodeName)' carried another identity, '\(IdentityConflict.shown(other))', which was replaced"
        )
        conflict.replaced(other, at: client.time.elapsed)
      }
      try settle(target, handover)
    } catch let error as APIError {
      try Task.checkCancellation()
      settle(target, handover, error)
    }
  }

  /// `target` has been written.
  private func settle(_ target: Target, _ handover: Int) throws {
    session.published(target.revision)
    // The outcome says that publishing works, which isn't all.
    if let error = conflict.error(target.nodeName) { try report(error) }
    guard handover == handovers else { return }
    state = .kept
    restoreAt = nil
    if target.annotations == nil { self.target = nil }
  }

  /// `target` couldn't be written.
  private func settle(_ target: Target, _ handover: Int, _ error: APIError) {
    busyUntil = client.time.elapsed + min(error.retryAfter ?? .zero, timing.maximumRetryAfter)
    let isMissing = error.kind == .status(404)
    if handover == handovers { state = isMissing ? .missing : .failed }
    let outcome =
      isMissing
      ? RegistryError(
        .unavailable,
        "there is no Node '\(target.nodeName)' yet, which the kubelet makes; is node.nodename right?")
      : error.isOfCredentials ? .withoutCredentials("lets nobody change a Node") : error.error
    // Unsupported would say that this registry never publishes, and not that a server can't be talked to.
    session.published(
      target.revision,
      outcome.code == .unsupported ? RegistryError(.failed, outcome.message, cause: outcome.cause) : outcome)
  }

  /// Untyped, as a typed error in an async function crashes Swift 6.3's optimizer.
  private func report(_ error: RegistryError?) throws { try session.report(.publishing, error) }

  // MARK: Requests

  /// Makes the Node's annotations what `target` has.
  ///
  /// - Returns: the identity of another node that was replaced with this.
  private func fulfil(_ target: Target) async throws -> String? {
    var conflicts = 0
    while true {
      do {
        let known = try await present(target.nodeName)
        let changes = target.changes(from: known)
        guard !changes.isEmpty else { return nil }
        let other = known.annotations[NodeAnnotation.nodeID.rawValue]
        let request = APIRequest.patch(node: target.nodeName, changes.mergePatch)
        _ = try node.take(try await client.data(request), of: request)
        return other == "" || other == target.nodeID.text ? nil : other
      } catch let error as APIError {
        switch error.kind {
        // Nothing is there that could be withdrawn.
        case .status(404) where target.annotations == nil: return nil
        case .status(404):
          node.forget()
          throw error
        case .status(409) where conflicts < Self.maximumConflicts:
          conflicts += 1
          node.forget()
          try await client.time.sleep(.milliseconds(Int.random(in: 10...100) * conflicts))
        default: throw error
        }
      }
    }
  }

  /// The Node as it is known, or else as the server has it.
  private func present(_ name: String) async throws -> OwnNode.Known {
    if let known = node.known, known.name == name { return known }
    let request = APIRequest.node(name)
    return try node.take(try await client.data(request), of: request)
  }
}

/// Somebody else who publishes another node in this one's Node: Talos' own registry, or a machine of the same
/// name.
///
/// A machine that was set up anew finds its earlier identity once. What comes back is somebody's.
struct IdentityConflict: Sendable {
  /// How long after its last identity somebody is forgotten.
  let memory: Duration
  private var count = 0
  private var last = Duration.zero
  private var identity = ""

  init(memory: Duration) { self.memory = memory }

  /// The Node carried another identity, which was replaced.
  mutating func replaced(_ identity: String, at now: Duration) {
    expire(at: now)
    count += 1
    last = now
    self.identity = Self.shown(identity)
  }

  /// Forgets somebody who has published nothing for long enough.
  ///
  /// - Returns: whether that was one to report.
  @discardableResult
  mutating func expire(at now: Duration) -> Bool {
    guard count > 0, now - last >= memory else { return false }
    defer { count = 0 }
    return count > 1
  }

  /// After how long there is nothing to report any more; nil where there is nothing.
  func remaining(at now: Duration) -> Duration? { count > 1 ? last + memory - now : nil }

  /// What is to be reported of the Node; nil where there is nothing.
  func error(_ nodeName: String) -> RegistryError? {
    guard count > 1 else { return nil }
    return RegistryError(
      .failed,
      "Node '\(nodeName)' carries the identity '\(identity)' of another node, again and again; is somebody else, such "
        + "as Talos, publishing it? publish: false makes rollcall only look")
  }

  /// An identity as it is shown: its first line, cut where it is long, as it is somebody else's text.
  static func shown(_ identity: String) -> String {
    // Identities that are such have 44 letters.
    String(APIError.shown(identity).prefix(64))
  }
}
