import ClusterModel
import Logging
import RegistryKit
import Synchronization
import TestSupport

@testable import Rollcall

/// A registry that does what a test tells it to.
final class StagedRegistry: PublishingRegistry {
  enum Order: Sendable {
    case end
    case fail(RegistryError)
  }

  private struct State {
    var runs = 0
    var updates: RegistryUpdates?
    var orders: AsyncStream<Order>.Continuation?
    var published: [Publication] = []
    var attempts = 0
    var publishError: RegistryError?
  }

  private let state = Mutex(State())
  /// What is told at the start of each run.
  private let opening: [RegistryEvent]

  init(_ opening: [RegistryEvent] = []) { self.opening = opening }

  /// A registry that knows `affiliates` from the start.
  convenience init(knowing affiliates: [Affiliate]) {
    self.init([.update(.snapshot(affiliates.map { AffiliateRecord($0) }, source: .only))])
  }

  var runs: Int { state.withLock { $0.runs } }
  var published: [Publication] { state.withLock { $0.published } }
  var attempts: Int { state.withLock { $0.attempts } }
  var isRunning: Bool { state.withLock { $0.updates != nil } }

  func failPublishing(_ error: RegistryError?) { state.withLock { $0.publishError = error } }

  /// Where the current run tells what it knows.
  func updates() throws -> RegistryUpdates {
    guard let updates = state.withLock({ $0.updates }) else {
      throw RegistryError(.stopped, "the staged registry isn't running")
    }
    return updates
  }

  func order(_ order: Order) { state.withLock { $0.orders }?.yield(order) }

  func run(updates: RegistryUpdates) async throws {
    let (orders, continuation) = AsyncStream.makeStream(of: Order.self)
    for event in opening { try updates.send(event) }
    state.withLock { state in
      state.runs += 1
      state.updates = updates
      state.orders = continuation
    }
    defer { state.withLock { $0.updates = nil } }
    for await order in orders {
      switch order {
      case .end: return
      case .fail(let error): throw error
      }
    }
    throw CancellationError()
  }

  func publish(_ publication: Publication) async throws {
    try state.withLock { state in
      state.attempts += 1
      if let error = state.publishError { throw error }
      state.published.append(publication)
    }
  }
}

/// Makes staged registries for the plugins of a configuration.
final class StagedPlugins: PluginSource {
  let registries: [String: StagedRegistry]
  let prefixes: [String: String]
  private let known: Mutex<Set<String>>

  init(_ registries: [String: StagedRegistry], prefixes: [String: String] = [:], missing: Set<String> = []) {
    self.registries = registries
    self.prefixes = prefixes
    known = Mutex(Set(registries.keys).subtracting(missing))
  }

  func appear(_ name: String) { known.withLock { _ = $0.insert(name) } }

  func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
    guard known.withLock({ $0.contains(name) }), let registry = registries[name] else {
      throw RegistryError(.unavailable, "there is no plugin '\(name)'")
    }
    return AvailablePlugin(
      descriptor: RegistryDescriptor(
        name: name, version: "1.2.3", prefix: prefixes[name], summary: "staged", publishes: true)
    ) { _, _ in registry }
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

func snapshotEvent(_ affiliates: Affiliate..., source: String = "") throws -> RegistryEvent {
  .update(.snapshot(affiliates.map { AffiliateRecord($0) }, source: try RegistrySource(source)))
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
