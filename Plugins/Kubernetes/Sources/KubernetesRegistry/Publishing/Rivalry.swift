import RegistryKit

/// Somebody else who tells of another node in this one's Node: Talos' own registry, or a machine of the same name.
///
/// A machine that was set up anew finds its earlier identity once. What comes back is somebody's.
struct Rivalry: Sendable {
  /// How long after its last word a rival is forgotten.
  let memory: Duration
  private var count = 0
  private var last = Duration.zero
  private var identity = ""

  init(memory: Duration) { self.memory = memory }

  /// The Node carried another identity, which was replaced. Shown in its first line, cut where it is long: it is
  /// somebody else's text.
  mutating func replaced(_ identity: String, at now: Duration) {
    forget(at: now)
    count += 1
    last = now
    self.identity = Self.shown(identity)
  }

  /// Forgets a rival who has been silent for long enough.
  ///
  /// - Returns: whether that was one to tell of.
  @discardableResult
  mutating func forget(at now: Duration) -> Bool {
    guard count > 0, now - last >= memory else { return false }
    defer { count = 0 }
    return count > 1
  }

  /// An identity as it is shown.
  static func shown(_ identity: String) -> String {
    // Identities that are such have 44 letters.
    String(APIError.shown(identity).prefix(64))
  }

  /// What a person is told; nil where there is no rival.
  func trouble(_ nodeName: String) -> RegistryError? {
    guard count > 1 else { return nil }
    return RegistryError(
      .failed,
      "Node '\(nodeName)' carries the identity '\(identity)' of another node, again and again; is somebody "
        + "else, such as Talos, publishing it? publish: false makes rollcall only look")
  }
}
