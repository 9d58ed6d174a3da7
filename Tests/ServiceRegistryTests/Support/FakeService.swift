import DiscoveryProtocol
import RegistryKit
import Synchronization

@testable import ServiceRegistry

/// A service without a network: the test says what it answers, and sees what it was asked.
final class FakeService: ServiceDialer, ServiceConnection {
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
    /// What a new watch hears first.
    var snapshot: WireWatchResponse?

    var dialled: [String] = []
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

  /// Tells the one that watches.
  func tell(_ answer: WireWatchResponse) { state.watch?.yield(answer) }

  /// Ends the watch.
  func cut() { state.watch?.finish(throwing: CallError(kind: .connection, message: "cut")) }

  func withConnection<Result: Sendable>(
    to url: ServiceURL, _ body: @escaping @Sendable (any ServiceConnection) async throws -> Result
  ) async throws -> Result {
    let error = mutex.withLock { state in
      state.dialled.append(url.description)
      return state.unreachable?.contains(url.description) == false ? nil : state.connectError
    }
    if let error { throw error }
    return try await body(self)
  }

  func hello(_ request: WireHelloRequest) async throws(CallError) -> WireHelloResponse {
    let answer = mutex.withLock { state in
      state.hellos.append(request)
      return state.hello
    }
    if let answer { return answer }
    await Signal().wait()
    throw CallError(kind: .cancelled, message: "cancelled")
  }

  func update(_ request: WireAffiliateUpdateRequest) async throws(CallError) {
    let error = mutex.withLock { state in
      let error = state.updateError ?? state.refuse?(request)
      if error == nil { state.updates.append(request) }
      return error
    }
    if let error { throw error }
  }

  func delete(_ request: WireAffiliateDeleteRequest) async throws(CallError) {
    mutex.withLock { $0.deletes.append(request.affiliateID) }
  }

  func list(_ request: WireListRequest) async throws(CallError) -> WireListResponse {
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
