import Dispatch

/// Tells when the machine's addresses may have changed.
enum AddressWatch {
  /// A stream that yields at each change, several at once as one.
  ///
  /// The kernel tells of changes by rtnetlink. Where it doesn't, as in some sandboxes, the addresses are
  /// looked at every `pollInterval` instead: whoever reads compares for himself.
  ///
  /// - Parameter amendment: the stream yields at its changes too.
  static func pulses(
    pollInterval: Duration = .seconds(30), amendment: LocalAmendment? = nil,
    open: () throws -> RouteSocket = { try RouteSocket(groups: RouteSocket.addressGroups) }
  ) -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let queue = DispatchQueue(label: "rollcall.addresses")
    let reader = amendment?.add(continuation)
    let detach: @Sendable () -> Void = { if let reader { amendment?.remove(reader) } }
    if let socket = try? open() {
      let source = DispatchSource.makeReadSource(fileDescriptor: socket.file, queue: queue)
      source.setEventHandler {
        socket.drain()
        continuation.yield()
      }
      // The socket lives until nothing reads from it any more.
      source.setCancelHandler { withExtendedLifetime(socket) {} }
      run(source, until: continuation, detach)
    } else {
      let timer = DispatchSource.makeTimerSource(queue: queue)
      let interval =
        Double(pollInterval.components.seconds) + Double(pollInterval.components.attoseconds) * 1e-18
      timer.schedule(deadline: .now() + interval, repeating: interval)
      timer.setEventHandler { continuation.yield() }
      run(timer, until: continuation, detach)
    }
    return stream
  }

  private static func run(
    _ source: some DispatchSourceProtocol, until continuation: AsyncStream<Void>.Continuation,
    _ detach: @escaping @Sendable () -> Void
  ) {
    let held = Held(source: source)
    continuation.onTermination = { _ in
      held.source.cancel()
      detach()
    }
    source.activate()
  }

  /// `@unchecked`: dispatch sources may be cancelled from any thread; they aren't marked so.
  private struct Held: @unchecked Sendable {
    let source: any DispatchSourceProtocol
  }
}
