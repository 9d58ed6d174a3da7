import RegistryKit

/// Reports one aspect of the registry each time that it changes, and logs what is wrong.
struct AspectReporter: Sendable {
  private let aspect: HealthAspect
  private let session: RegistrySession
  /// What was reported last; nil: nothing yet.
  private var last: RegistryError??

  init(_ aspect: HealthAspect, _ session: RegistrySession) {
    self.aspect = aspect
    self.session = session
  }

  /// The aspect works, or why it doesn't.
  ///
  /// - Throws: the session's refusal. Untyped, as a typed error in an async loop crashes Swift 6.3's optimizer.
  mutating func report(_ error: RegistryError?) throws {
    guard last != .some(error) else { return }
    last = .some(error)
    if let error { session.logger.warning("\(error.message)") }
    try session.report(aspect, error)
  }
}
