import NIOCore
import Synchronization

@testable import DiscoveryService

/// Writes down what a store tells.
final class RecordingWatcher: ClusterWatcher {
  enum Event: Equatable {
    case opened(UInt64, [String])
    case changed(String, data: [UInt8], endpoints: Int)
    case deleted(String)
    case failed(UInt64, StatusCode)
  }

  private let record = Mutex<[Event]>([])
  private let whole = Mutex<[DecodedResponse]>([])

  /// All changes that were told, with what ``Event`` leaves out.
  var responses: [DecodedResponse] { whole.withLock { $0 } }

  /// What was told since the last call.
  func take() -> [Event] {
    record.withLock { record in
      defer { record = [] }
      return record
    }
  }

  func opened(_ opening: UInt64, _ snapshot: EncodedMessage) {
    let ids = (try? DecodedResponse(framed: snapshot).ids) ?? ["malformed"]
    record.withLock { $0.append(.opened(opening, ids)) }
  }

  func changed(_ change: EncodedChange) {
    guard let response = try? DecodedResponse(framed: change.message), let one = response.affiliates.first
    else { return }
    whole.withLock { $0.append(response) }
    let event: Event =
      response.deleted
      ? .deleted(one.id) : .changed(one.id, data: one.data, endpoints: one.endpoints.count)
    record.withLock { $0.append(event) }
  }

  func failed(_ opening: UInt64, _ error: ServiceError) {
    record.withLock { $0.append(.failed(opening, error.code)) }
  }
}

extension StoreAnswer {
  /// The answer of a store that has it at once.
  func get() throws -> Value {
    switch self {
    case .ready(let result): try result.get()
    case .later: throw GaveUp()
    }
  }

  var error: ServiceError? {
    if case .ready(.failure(let error)) = self { error } else { nil }
  }
}
