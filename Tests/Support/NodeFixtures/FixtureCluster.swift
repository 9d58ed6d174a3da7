import Dispatch
import Synchronization

/// The Nodes that a ``NodeFixtureServer`` serves, and what happened to them.
final class FixtureCluster: Sendable {
  /// Something that happened, as a line of a watch.
  struct Event: Sendable {
    /// Counts up by one; versions don't, as a bookmark has the one of what came before.
    let number: Int
    let version: Int
    let line: [UInt8]
  }

  fileprivate struct State {
    var nodes: [NodeFixture]
    /// The Nodes' JSON, made once: serving 60 MB shouldn't be what is measured.
    var items: [String]
    var version: Int
    var events: [Event] = []
    /// How many events there were.
    var eventCount = 0
    /// The version up to which events are forgotten.
    var forgotten: Int
    var waiting: [ObjectIdentifier: DispatchSemaphore] = [:]
  }

  private let state: Mutex<State>

  init(count: Int) {
    let nodes = (0..<count).map { NodeFixture(index: $0, resourceVersion: 1000 + $0) }
    let version = 1000 + count
    state = Mutex(
      State(nodes: nodes, items: nodes.map(\.json), version: version, forgotten: version))
  }

  var version: Int { state.withLock { $0.version } }

  var count: Int { state.withLock { $0.nodes.count } }

  /// The Node number `index` as it is now.
  func node(_ index: Int) -> NodeFixture? {
    state.withLock { $0.nodes.indices.contains(index) ? $0.nodes[index] : nil }
  }

  /// Moves the endpoint of Node `index` and sends watches the event.
  func change(_ index: Int) -> NodeFixture? {
    state.withLock { state -> NodeFixture? in
      guard state.nodes.indices.contains(index) else { return nil }
      state.version += 1
      state.nodes[index].revision += 1
      state.nodes[index].resourceVersion = state.version
      let node = state.nodes[index]
      state.items[index] = node.json
      state.send(NodeListJSON.event("MODIFIED", node.objectJSON))
      return node
    }
  }

  /// Sends watches a bookmark.
  func bookmark() {
    state.withLock { $0.send(NodeListJSON.bookmark(resourceVersion: $0.version)) }
  }

  /// Forgets the events so far: who watches from a version before has to list again.
  func forgetEvents() {
    state.withLock { state in
      state.version += 1
      state.events = []
      state.forgotten = state.version
    }
  }

  /// The items from `start`, at most `limit`, how many follow, and the version of the list.
  func page(from start: Int, limit: Int) -> (items: ArraySlice<String>, remaining: Int, version: Int) {
    state.withLock { state in
      let first = min(max(0, start), state.items.count)
      let end = limit > 0 ? min(first + limit, state.items.count) : state.items.count
      return (state.items[first..<end], state.items.count - end, state.version)
    }
  }

  /// The number of the last event that who knows `version` has seen; nil where later ones are forgotten.
  func lastSeen(at version: Int) -> Int? {
    state.withLock { state -> Int? in
      guard version >= state.forgotten else { return nil }
      let next = state.events.first { $0.version > version }
      return next.map { $0.number - 1 } ?? state.eventCount
    }
  }

  /// The events after number `number`; nil where they are forgotten. The semaphore is signalled at the next
  /// one.
  func events(after number: Int, signal: DispatchSemaphore) -> [Event]? {
    state.withLock { state -> [Event]? in
      state.waiting[ObjectIdentifier(signal)] = signal
      let missing = state.eventCount - number
      return missing <= state.events.count ? state.events.suffix(missing) : nil
    }
  }

  /// No longer signal.
  func leave(_ signal: DispatchSemaphore) {
    state.withLock { _ = $0.waiting.removeValue(forKey: ObjectIdentifier(signal)) }
  }

  /// How many watches are open.
  var watchCount: Int { state.withLock { $0.waiting.count } }

  /// Wakes all watches.
  func wake() {
    state.withLock { for signal in $0.waiting.values { signal.signal() } }
  }
}

extension FixtureCluster.State {
  /// Keeps the last of the events, and wakes the watches.
  fileprivate mutating func send(_ line: String) {
    eventCount += 1
    events.append(FixtureCluster.Event(number: eventCount, version: version, line: Array(line.utf8)))
    if events.count > 20_000 {
      forgotten = events[9_999].version
      events.removeFirst(10_000)
    }
    for signal in waiting.values { signal.signal() }
  }
}
