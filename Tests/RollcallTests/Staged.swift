import ClusterModel
import Logging
import RegistryKit
import Synchronization
import TestSupport

@testable import Rollcall

/// A registry that does what a test orders.
final class StagedRegistry: Registry {
  enum Order: Sendable {
    case end
    case fail(RegistryError)
  }

  private struct State {
    var runs = 0
    var session: RegistrySession?
    var orders: AsyncStream<Order>.Continuation?
    var published: [Publication?] = []
    var attempts = 0
    var publishError: RegistryError?
  }

  private let state = Mutex(State())
  /// What is applied at the start of each run.
  private let opening: [RegistryBatch]
  private let publishes: Bool

  /// - Parameter publishes: whether it reads what is to be published.
  init(_ opening: [RegistryBatch] = [], publishes: Bool = true) {
    self.opening = opening
    self.publishes = publishes
  }

  /// A registry that knows `affiliates` from the start.
  convenience init(knowing affiliates: [Affiliate], publishes: Bool = true) {
    self.init([snapshot(affiliates)], publishes: publishes)
  }

  var runs: Int { state.withLock { $0.runs } }
  /// What was published, nil where it was withdrawn.
  var published: [Publication?] { state.withLock { $0.published } }
  var attempts: Int { state.withLock { $0.attempts } }
  var isRunning: Bool { state.withLock { $0.session != nil } }

  /// The newest publication; nil where there is none or it was withdrawn.
  var publication: Publication? { published.last ?? nil }
  /// Whether the last thing that was published is a withdrawal.
  var isWithdrawn: Bool { published.last == .some(nil) }

  func failPublishing(_ error: RegistryError?) { state.withLock { $0.publishError = error } }

  /// The current run's session.
  func session() throws -> RegistrySession {
    guard let session = state.withLock({ $0.session }) else {
      throw RegistryError(.stopped, "the staged registry isn't running")
    }
    return session
  }

  func order(_ order: Order) { state.withLock { $0.orders }?.yield(order) }

  func run(_ session: RegistrySession) async throws {
    let (orders, continuation) = AsyncStream.makeStream(of: Order.self)
    for batch in opening { try session.apply(batch) }
    state.withLock { state in
      state.runs += 1
      state.session = session
      state.orders = continuation
    }
    defer { state.withLock { $0.session = nil } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      if publishes { group.addTask { await session.publish { try self.put($0) } } }
      for await order in orders {
        switch order {
        case .end: return
        case .fail(let error): throw error
        }
      }
      throw CancellationError()
    }
  }

  private func put(_ publication: Publication?) throws {
    try state.withLock { state in
      state.attempts += 1
      if let error = state.publishError { throw error }
      state.published.append(publication)
    }
  }
}

/// Makes staged registries for the plugins that definitions name.
final class StagedPlugins: PluginSource {
  let registries: [String: StagedRegistry]
  let prefixes: [String: String]
  private let known: Mutex<Set<String>>
  private let leases: Bool

  init(
    _ registries: [String: StagedRegistry], prefixes: [String: String] = [:], leases: Bool = false,
    missing: Set<String> = []
  ) {
    self.registries = registries
    self.prefixes = prefixes
    self.leases = leases
    known = Mutex(Set(registries.keys).subtracting(missing))
  }

  func appear(_ name: String) { known.withLock { _ = $0.insert(name) } }

  func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
    guard known.withLock({ $0.contains(name) }), let registry = registries[name] else {
      throw RegistryError(.unavailable, "there is no plugin '\(name)'")
    }
    return AvailablePlugin(
      descriptor: RegistryDescriptor(
        name: name, version: "1.2.3", prefix: prefixes[name], summary: "staged", publishes: true,
        leases: leases)
    ) { _, _ in registry }
  }

  /// The registry called `name`, made by one of these plugins: that of its own name where none is named.
  func registry(
    _ name: String, plugin: String? = nil, options: String = "{}",
    retention: RetentionPolicy = RetentionPolicy()
  ) -> RegistryDefinition {
    RegistryDefinition(
      name: name, plugin: PluginReference(name: plugin ?? name, options: options), from: self,
      retention: retention)
  }
}

func affiliate(_ id: String, nodename: String? = nil, hostname: String = "", address: String? = nil) throws
  -> Affiliate
{
  Affiliate(
    nodeID: try NodeIdentity(id), addresses: try address.map { [try IPAddress($0)] } ?? [],
    hostname: hostname,
    nodename: nodename ?? id)
}

/// Nodes of these names.
func affiliates(_ names: String...) throws -> [Affiliate] { try names.map { try affiliate($0) } }

func snapshot(_ affiliates: [Affiliate], source: RegistrySource = .only) -> RegistryBatch {
  RegistryBatch(updates: [.snapshot(affiliates.map { AffiliateRecord($0) }, source: source)])
}

extension RegistrySession {
  /// Names the sources that will each have a snapshot.
  func expect(_ sources: RegistrySource...) throws { try apply(RegistryBatch(expectedSources: sources)) }

  /// The source is no longer asked.
  func sourceGone(_ source: RegistrySource) throws {
    try apply(RegistryBatch(updates: [.sourceGone(source)]))
  }
}

let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

/// Options whose waits follow `clock` and whose pauses aren't spread.
func options(_ clock: (any Clock<Duration>)? = nil) -> AggregatorOptions {
  var options = AggregatorOptions()
  if let clock { options.clock = clock }
  options.random = { 0.5 }
  options.now = { Timestamp(milliseconds: 1_000) }
  return options
}

/// Runs `aggregator` for as long as `body` takes, and waits for its clean end.
func running<Result: Sendable>(
  _ aggregator: Aggregator, _ body: () async throws -> Result
) async throws -> Result {
  let run = Task { try await aggregator.run() }
  do {
    let result = try await body()
    run.cancel()
    try await run.value
    return result
  } catch {
    run.cancel()
    try await run.value
    throw error
  }
}

extension Aggregator {
  var memberNames: [String] { snapshot().members.map(\.value.id) }
  func state(_ registry: String) -> RegistryStatus.State? { snapshot().registry(registry)?.state }
}

/// Counts what tasks do.
final class Counter: Sendable {
  private let count = Mutex(0)

  var value: Int { count.withLock { $0 } }

  func add() { count.withLock { $0 += 1 } }
}
