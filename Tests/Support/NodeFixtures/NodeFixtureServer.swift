import Foundation
import Synchronization

/// An API server of the tests that knows Nodes alone: lists by pages and watches, in plain HTTP on a free
/// port of 127.0.0.1.
///
/// - `GET /api/v1/nodes` with `limit`, `continue`, and `watch`, `resourceVersion`, `timeoutSeconds`,
///   `sendInitialEvents`
/// - `GET /version`: 1.20, or 1.32 where a watch may begin with all Nodes
/// - `POST /fixture/change?node=N` as ``change(_:)``, `POST /fixture/bookmark` as ``bookmark()``
///
/// Each connection has a thread of its own. ``stop()`` has to be called.
public final class NodeFixtureServer: Sendable {
  private struct State {
    var connections: [ObjectIdentifier: FixtureSocket] = [:]
    var requests: [String] = []
    var isStopped = false
  }

  /// The port on 127.0.0.1.
  public let port: UInt16
  private let cluster: FixtureCluster
  private let listener: FixtureSocket
  private let state: Mutex<State>
  private let sendsInitialEvents: Bool

  /// Serves `nodeCount` Nodes from now on.
  ///
  /// - Parameter sendsInitialEvents: whether a watch may begin with all Nodes, as newer servers allow.
  public init(nodeCount: Int, sendsInitialEvents: Bool = false) throws(FixtureServerError) {
    (listener, port) = try FixtureSocket.listening()
    cluster = FixtureCluster(count: nodeCount)
    state = Mutex(State())
    self.sendsInitialEvents = sendsInitialEvents
    Thread.detachNewThread { [self] in acceptAll() }
  }

  /// Where it is: `http://127.0.0.1:port`.
  public var url: String { "http://127.0.0.1:\(port)" }

  /// The requests so far, as method and path, at most the first 10,000.
  public var requests: [String] { state.withLock { $0.requests } }

  /// How many watches are open.
  public var watchCount: Int { cluster.watchCount }

  /// Node `index` as it is now; nil if there is none.
  public func node(_ index: Int) -> NodeFixture? { cluster.node(index) }

  /// Moves the endpoint of Node `index`, sends watches the event, and returns what it is now; nil if there is
  /// none.
  @discardableResult
  public func change(_ index: Int) -> NodeFixture? { cluster.change(index) }

  /// Sends watches a bookmark.
  public func bookmark() { cluster.bookmark() }

  /// Forgets what happened so far: who then watches from an earlier version is answered 410.
  public func forgetEvents() {
    cluster.forgetEvents()
    cluster.wake()
  }

  /// Ends all connections as if the machine had gone, and goes on serving.
  public func dropConnections() {
    for connection in state.withLock({ Array($0.connections.values) }) { connection.shut() }
    cluster.wake()
  }

  /// Ends all connections and serves no more.
  public func stop() {
    state.withLock { $0.isStopped = true }
    listener.shut()
    dropConnections()
  }

  private func acceptAll() {
    while let socket = listener.accept() {
      let isKept = state.withLock { state in
        if !state.isStopped { state.connections[ObjectIdentifier(socket)] = socket }
        return !state.isStopped
      }
      guard isKept else { return }
      Thread.detachNewThread { [self] in
        serve(socket)
        socket.shut()
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(socket)) }
      }
    }
  }

  private func serve(_ socket: FixtureSocket) {
    let connection = FixtureConnection(
      socket: socket, cluster: cluster, isStopped: { self.state.withLock { $0.isStopped } },
      sendsInitialEvents: sendsInitialEvents,
      received: { request in
        self.state.withLock { if $0.requests.count < 10_000 { $0.requests.append(request) } }
      })
    connection.serve()
  }
}
