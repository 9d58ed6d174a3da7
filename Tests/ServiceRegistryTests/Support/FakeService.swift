import DiscoveryProtocol
import Platform
import RegistryKit
import Synchronization

@testable import ServiceRegistry

/// A service without a network: the test says what it answers, and sees what it was asked.
final class FakeService: DiscoveryConnector, DiscoveryClient {
  struct State {
    /// Why connecting fails.
    var connectError: CallError?
    /// The URLs that alone fail so; nil: all.
    var unreachable: Set<String>?
    var hello: WireHelloResponse? = WireHelloResponse()
    var updateError: CallError?
    /// Why an update is refused; nil: it isn't.
    var refuse: (@Sendable (WireAffiliateUpdateRequest) -> CallError?)?
    var list: WireListResponse?
    /// What a new watch is answered first.
    var snapshot: WireWatchResponse?

    /// Why a deletion is refused; nil: it isn't.
    var deleteError: CallError?
    var connected: [String] = []
    var hellos: [WireHelloRequest] = []
    var updates: [WireAffiliateUpdateRequest] = []
    var deletes: [String] = []
    var lists = 0
    var watch: AsyncThrowingStream<WireWatchResponse, any Error>.Continuation?
    var watches = 0
  }

  private let mutex = Mutex(State())

  var state: State { mutex.withLock { $0 } }

  func change(_ body: (inout State) -> Void) { mutex.withLock { body(&$0) } }

  /// Gives the one that watches an answer.
  func send(_ answer: WireWatchResponse) { state.watch?.yield(answer) }

  /// Ends the watch.
  func cut() { state.watch?.finish(throwing: CallError(kind: .connection, message: "cut")) }

  func withClient<Result: Sendable>(
    of url: ServiceURL, time: TimeSource,
    _ body: @escaping @Sendable (any DiscoveryClient) async throws -> Result
  ) async throws -> Result {
    let error = mutex.withLock { state in
      state.connected.append(url.description)
      return state.unreachable?.contains(url.description) == false ? nil : state.connectError
    }
    if let error { throw error }
    return try await body(self)
  }

  func hello(_ request: WireHelloRequest) async throws -> WireHelloResponse {
    let answer = mutex.withLock { state in
      state.hellos.append(request)
      return state.hello
    }
    if let answer { return answer }
    // Until the caller gives up.
    let (never, sink) = AsyncStream<Void>.makeStream()
    for await _ in never {}
    sink.finish()
    throw CallError(kind: .cancelled, message: "cancelled")
  }

  func update(_ request: WireAffiliateUpdateRequest) async throws {
    let error = mutex.withLock { state in
      let error = state.updateError ?? state.refuse?(request)
      if error == nil { state.updates.append(request) }
      return error
    }
    if let error { throw error }
  }

  func delete(_ request: WireAffiliateDeleteRequest) async throws {
    let error = mutex.withLock { state in
      if state.deleteError == nil { state.deletes.append(request.affiliateID) }
      return state.deleteError
    }
    if let error { throw error }
  }

  func list(_ request: WireListRequest) async throws -> WireListResponse {
    let list = mutex.withLock { state in
      state.lists += 1
      return state.list
    }
    guard let list else { throw CallError(kind: .refused, message: "no list") }
    return list
  }

  func watch(
    _ request: WireWatchRequest, _ each: @escaping @Sendable (WireWatchResponse) async throws -> Void
  ) async throws {
    let (stream, continuation) = AsyncThrowingStream.makeStream(of: WireWatchResponse.self)
    mutex.withLock { state in
      state.watch = continuation
      state.watches += 1
      if let snapshot = state.snapshot { continuation.yield(snapshot) }
    }
    for try await answer in stream { try await each(answer) }
    try Task.checkCancellation()
  }
}

/// Several services without a network, by their URLs.
struct FakeNetwork: DiscoveryConnector {
  let services: [String: FakeService]

  func withClient<Result: Sendable>(
    of url: ServiceURL, time: TimeSource,
    _ body: @escaping @Sendable (any DiscoveryClient) async throws -> Result
  ) async throws -> Result {
    guard let service = services[url.description] else {
      throw CallError(kind: .connection, message: "no connection to \(url)")
    }
    return try await service.withClient(of: url, time: time, body)
  }
}
