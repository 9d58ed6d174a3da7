import CRegistryPlugin
import Logging
import Platform
import RegistryKit
import Synchronization

/// Where the calls of one plugin instance come in: decodes them, hands them to the session in the order in which
/// they came, and lets nothing through once it is closed.
///
/// What the session refuses, or can't be decoded, fails the registry: the fence closes, and ``end`` tells why.
final class HostFence: Sendable {
  private enum Phase {
    case open
    /// Nothing is let through any more, and the instance is still at work.
    case closing
    /// The instance is gone; a call now is a fault.
    case closed(isNoted: Bool)
  }

  private struct State {
    var phase = Phase.open
    /// Remembers text that repeats from node to node.
    var reader: BoundaryReader
    var logBudget = LogBudget()

    var isOpen: Bool { if case .open = phase { true } else { false } }
  }

  /// Why the registry is at its end; nil where it was only told to stop.
  let end = OneShot<RegistryError?>()

  private let session: RegistrySession
  private let lateCalls: LateCalls
  private let state: Mutex<State>
  private let time: TimeSource

  init(
    session: RegistrySession, limits: BoundaryLimits, lateCalls: LateCalls = LateCalls(),
    time: TimeSource = TimeSource()
  ) {
    self.session = session
    self.lateCalls = lateCalls
    self.time = time
    state = Mutex(State(reader: BoundaryReader(limits: limits)))
  }

  // MARK: Closing

  /// Lets nothing through any more. What is being handed on at this moment has been when it returns.
  func close() {
    state.withLock { state in if state.isOpen { state.phase = .closing } }
  }

  /// The instance is gone: nothing may come any more.
  func instanceIsGone() {
    let leftOut = state.withLock { state in
      state.phase = .closed(isNoted: false)
      return state.logBudget.takeLeftOut()
    }
    logLeftOut(leftOut)
  }

  /// Ends the registry with `error`, unless it is at its end already.
  func fail(_ error: RegistryError) {
    close()
    end.fulfil(error)
  }

  // MARK: What the plugin calls

  func apply(_ batch: UnsafePointer<registry_batch_v1>?) throws(RegistryError) {
    try handOn { reader, session throws(RegistryError) in
      guard let batch else { throw RegistryError(.invalidArgument, "apply was given NULL for the batch") }
      try session.apply(try reader.batch(batch))
    }
  }

  func report(_ report: UnsafePointer<registry_report_v1>?) throws(RegistryError) {
    try handOn { reader, session throws(RegistryError) in
      guard let report else { throw RegistryError(.invalidArgument, "report was given NULL") }
      try session.apply(RegistryBatch(reports: [try reader.report(report)]))
    }
  }

  func publicAddress(_ raw: registry_address_v1) throws(RegistryError) {
    try handOn { reader, session throws(RegistryError) in
      guard let address = try reader.address(raw, "public_address") else {
        throw RegistryError(.invalidArgument, "public_address has no address: its family is 0, not 4 or 6")
      }
      try session.publicAddress(address)
    }
  }

  func published(_ revision: UInt64, code: registry_code, _ text: registry_string_v1) throws(RegistryError) {
    try handOn { _, session throws(RegistryError) in
      session.published(
        revision, code == registry_code(REGISTRY_OK) ? nil : Self.error(code, text))
    }
  }

  /// The plugin's `publish` refused the publication of `revision`.
  func refused(_ revision: UInt64, _ error: RegistryError) { session.published(revision, error) }

  /// The registry is at its end.
  func failed(code: registry_code, _ text: registry_string_v1) throws(RegistryError) {
    try handOn { _, _ throws(RegistryError) in throw Self.error(code, text) }
  }

  private static func error(_ code: registry_code, _ text: registry_string_v1) -> RegistryError {
    let message = BoundaryMessage.oneLine(text)
    return RegistryError(.init(boundary: code), message.isEmpty ? "the plugin doesn't say why" : message)
  }

  /// Does `body` unless the fence is closed, and fails the registry with what it throws.
  ///
  /// The lock is held while a call is handed on, as that is what keeps calls in order; the session never waits.
  private func handOn(
    _ body: (inout BoundaryReader, RegistrySession) throws(RegistryError) -> Void
  ) throws(RegistryError) {
    var isFault = false
    do {
      try state.withLock { state throws(RegistryError) in
        if case .closed(isNoted: false) = state.phase {
          state.phase = .closed(isNoted: true)
          isFault = true
        }
        guard state.isOpen else { throw Self.stopped }
        try body(&state.reader, session)
      }
    } catch {
      if error.code != .stopped { fail(error) }
      if isFault {
        lateCalls.note()
        session.logger.warning("the plugin goes on calling its host after it was stopped; nothing is taken")
      }
      throw error
    }
  }

  private static let stopped = RegistryError(.stopped, "the registry has been told to stop")

  // MARK: Log

  func log(level: UInt32, _ text: registry_string_v1) {
    let level = Logger.Level(boundary: level)
    guard level >= session.logger.logLevel else { return }
    let (isAllowed, leftOut) = state.withLock { state in
      // Also while it stops: the last lines are often the ones that matter.
      if case .closed = state.phase { return (isAllowed: false, leftOut: 0) }
      return state.logBudget.take(at: time.elapsed)
    }
    guard isAllowed else { return }
    logLeftOut(leftOut)
    session.logger.log(level: level, "\(BoundaryMessage.oneLine(text))")
  }

  private func logLeftOut(_ lines: Int) {
    guard lines > 0 else { return }
    session.logger.warning(
      "the plugin logs too much: lines were left out",
      metadata: ["lines": "\(lines)", "lines_a_second": "\(Int(LogBudget().perSecond))"])
  }
}
