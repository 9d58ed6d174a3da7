import DiscoveryGRPC
import DiscoveryProtocol
import Foundation
import GRPCCore
import Synchronization

/// A discovery service with one cluster in memory, without limits and expiry: a well-behaved peer.
final class MemoryService: Sendable {
  struct State {
    var affiliates: [String: WireAffiliate] = [:]
    var watchers: [Int: AsyncStream<WireWatchResponse>.Continuation] = [:]
    var nextNumber = 0
    var updates = 0
    var hellos = 0
  }

  private let mutex = Mutex(State())
  /// Where to go instead.
  let redirect: (@Sendable () -> String?)?
  /// What a watch is answered instead.
  let watchScript: (@Sendable (RPCWriter<WireWatchResponse>) async throws -> Void)?

  /// Whether watchers are given a reason for what is gone.
  let statesReasons: Bool

  init(
    statesReasons: Bool = false, redirect: (@Sendable () -> String?)? = nil,
    watchScript: (@Sendable (RPCWriter<WireWatchResponse>) async throws -> Void)? = nil
  ) {
    self.statesReasons = statesReasons
    self.redirect = redirect
    self.watchScript = watchScript
  }

  var state: State { mutex.withLock { $0 } }

  func put(_ affiliate: WireAffiliate) {
    send(.with { $0.affiliates = [affiliate] }) { $0.affiliates[affiliate.id] = affiliate }
  }

  private func send(_ answer: WireWatchResponse, _ change: (inout State) -> Void) {
    let watchers = mutex.withLock { state in
      change(&state)
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher.yield(answer) }
  }
}

extension MemoryService: WireCluster.SimpleServiceProtocol {
  func hello(request: WireHelloRequest, context: ServerContext) async throws -> WireHelloResponse {
    mutex.withLock { $0.hellos += 1 }
    return .with {
      $0.clientIp = Data([127, 0, 0, 1])
      if let redirect = redirect?() { $0.redirect.endpoint = redirect }
    }
  }

  func affiliateUpdate(
    request: WireAffiliateUpdateRequest, context: ServerContext
  ) async throws -> WireAffiliateUpdateResponse {
    let affiliate = mutex.withLock { state in
      state.updates += 1
      var affiliate = state.affiliates[request.affiliateID] ?? .with { $0.id = request.affiliateID }
      if request.hasAffiliateData { affiliate.data = request.affiliateData }
      for endpoint in request.affiliateEndpoints where !affiliate.endpoints.contains(endpoint) {
        affiliate.endpoints.append(endpoint)
      }
      return affiliate
    }
    put(affiliate)
    return WireAffiliateUpdateResponse()
  }

  func affiliateDelete(
    request: WireAffiliateDeleteRequest, context: ServerContext
  ) async throws -> WireAffiliateDeleteResponse {
    let id = request.affiliateID
    send(
      .with {
        $0.affiliates = [.with { $0.id = id }]
        $0.deleted = true
        if self.statesReasons { $0.reason = .withdrawn }
      }
    ) { $0.affiliates[id] = nil }
    return WireAffiliateDeleteResponse()
  }

  func list(request: WireListRequest, context: ServerContext) async throws -> WireListResponse {
    .with { $0.affiliates = Array(state.affiliates.values) }
  }

  func watch(
    request: WireWatchRequest, response: RPCWriter<WireWatchResponse>, context: ServerContext
  ) async throws {
    if let watchScript { return try await watchScript(response) }
    let (stream, continuation) = AsyncStream.makeStream(of: WireWatchResponse.self)
    let (number, snapshot) = mutex.withLock { state in
      state.nextNumber += 1
      state.watchers[state.nextNumber] = continuation
      return (state.nextNumber, Array(state.affiliates.values))
    }
    defer { mutex.withLock { $0.watchers[number] = nil } }
    try await response.write(.with { $0.affiliates = snapshot })
    for await answer in stream { try await response.write(answer) }
  }
}
