public import ClusterModel
public import ClusterResources
import NIOCore
import NIOHTTP1
package import Platform
import Synchronization

/// What a watch says.
public enum WatchEvent: Hashable, Sendable {
  /// An object of a type (`members`), as it is now, and why where that is said. Deleted ones are as they were last.
  case added(type: String, ResourceValue)
  case modified(type: String, ResourceValue)
  case deleted(type: String, ResourceValue, reason: String?)
  /// All up to now was said.
  case synced(now: Timestamp?)
  /// What was known before is worth nothing: everything comes again, then ``synced(now:)``.
  case reset(reason: String)
  /// The stream ended; it is asked for again in a moment.
  case disconnected(StatusError)
}

extension StatusClient {
  /// Watches `path` and calls `body` with each event, in order, until that returns false.
  ///
  /// Where the stream ends it is asked for again, from the last revision that was seen, for as long as anybody wants:
  /// a daemon that starts again is waited for.
  ///
  /// - Parameters:
  ///   - retry: how long to wait before asking again where the daemon has said nothing of it.
  ///   - since: the revision from which on changes are wanted; nil for all that is there first.
  /// - Throws: ``StatusError`` where the daemon refuses or can't be understood, and what `body` throws.
  package func watch(
    _ path: String, _ query: [(name: String, value: String)] = [], since: String? = nil,
    retry: Duration = .seconds(2), time: TimeSource = TimeSource(),
    _ body: @escaping @Sendable (WatchEvent) async throws -> Bool
  ) async throws {
    let place = Place(last: since, retry: retry)
    while true {
      let end: StatusError
      do {
        let wantsMore = try await stream(path, query, place, body)
        guard wantsMore else { return }
        end = StatusError(.closed, "the daemon ended the stream")
      } catch let error as StatusError where error.isTransient {
        end = error
      }
      guard try await body(.disconnected(end)) else { return }
      try await time.sleep(place.retry)
    }
  }

  private func stream(
    _ path: String, _ query: [(name: String, value: String)], _ place: Place,
    _ body: @escaping @Sendable (WatchEvent) async throws -> Bool
  ) async throws -> Bool {
    var headers = [("Accept", "text/event-stream")]
    if let last = place.last { headers.append(("Last-Event-ID", last)) }
    // The daemon gives a sign of life every 15 s.
    return try await exchange(
      .GET, Self.target(path, query), headers: headers, idle: .seconds(45)
    ) { head, inbound in
      answered(Self.version(head))
      guard head.status == .ok else {
        throw Self.refusal(head, try await Self.collect(inbound, atMost: 1 << 20))
      }
      guard head.headers.first(name: "Content-Type")?.hasPrefix("text/event-stream") == true else {
        throw StatusError(
          .malformed, "the daemon answered a watch with something else than a stream")
      }
      var events = EventStream(id: place.last)
      for try await bytes in inbound {
        for event in try Self.events(in: bytes, of: &events) {
          if let read = try WatchEvent(event), try await !body(read) { return false }
          // Only what was taken is behind us.
          place.last = event.id
        }
        if let retry = events.retry { place.retry = .milliseconds(retry) }
      }
      return true
    }
  }

  private static func events(
    in bytes: ByteBuffer, of stream: inout EventStream
  ) throws(StatusError) -> [ServerSentEvent] {
    do throws(EventTooLong) {
      return try stream.take(bytes.readableBytesView)
    } catch {
      throw StatusError(.malformed, "the daemon's answer can't be read: \(error)")
    }
  }

  /// How far a watch has come.
  private final class Place: Sendable {
    private let state: Mutex<(last: String?, retry: Duration)>

    init(last: String?, retry: Duration) { state = Mutex((last, retry)) }

    var last: String? {
      get { state.withLock { $0.last } }
      set { state.withLock { $0.last = newValue } }
    }

    /// Bounded where the daemon says it: not to ask all the time, nor never again.
    var retry: Duration {
      get { state.withLock { $0.retry } }
      set { state.withLock { $0.retry = min(max(newValue, .milliseconds(10)), .seconds(60)) } }
    }
  }
}

extension WatchEvent {
  /// What `event` says; nil for what only later versions know.
  ///
  /// - Throws: ``StatusError`` where it can't be read.
  init?(_ event: ServerSentEvent) throws {
    let value: ResourceValue
    do throws(ResourceError) {
      value = event.data.isEmpty ? .fields([]) : try ResourceValue(json: event.data)
    } catch {
      throw StatusError(.malformed, "an event of the daemon's stream can't be read: \(error.message)")
    }
    let type = value["type"]?.text ?? ""
    switch (event.name, value["object"]) {
    case ("ADDED", let object?): self = .added(type: type, object)
    case ("MODIFIED", let object?): self = .modified(type: type, object)
    case ("DELETED", let object?): self = .deleted(type: type, object, reason: value["reason"]?.text)
    case ("SYNCED", _): self = .synced(now: value["now"]?.time)
    case ("RESET", _): self = .reset(reason: value["reason"]?.text ?? "unknown")
    default: return nil
    }
  }
}
