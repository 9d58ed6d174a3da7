import ClusterResources

/// The documents of one list, as a watch tells of them.
///
/// A listed member has its name to itself; who merely claims one, or had it, is known by name and identity.
struct DocumentSet {
  private var byKey: [String: ResourceValue] = [:]
  /// After a reset: those that weren't told again yet.
  private var unconfirmed: Set<String>?

  /// All, in the order of their names.
  var documents: [ResourceValue] { byKey.sorted { $0.key < $1.key }.map(\.value) }

  /// The documents called `id`.
  func named(_ id: String) -> [ResourceValue] {
    documents.filter { $0.at("metadata", "id")?.text == id }
  }

  /// Takes `document` in.
  ///
  /// - Returns: what was in its place.
  mutating func put(_ document: ResourceValue) -> ResourceValue? {
    let key = Self.key(document)
    unconfirmed?.remove(key)
    return byKey.updateValue(document, forKey: key)
  }

  /// Takes the document out of which `document` is the last state.
  ///
  /// - Returns: whether it was in.
  mutating func remove(_ document: ResourceValue) -> Bool {
    let id = Self.id(document)
    // Who was listed last may be told as gone already.
    if let listed = byKey[id], Self.node(listed) == Self.node(document) {
      byKey[id] = nil
      return true
    }
    return byKey.removeValue(forKey: Self.key(document)) != nil
  }

  /// From now on everything is told again.
  mutating func reset() { unconfirmed = Set(byKey.keys) }

  /// Everything was told: takes out what wasn't told again since ``reset()``, and returns it.
  mutating func settle() -> [ResourceValue] {
    let keys = (unconfirmed ?? []).sorted()
    unconfirmed = nil
    return keys.compactMap { byKey.removeValue(forKey: $0) }
  }

  private static func id(_ document: ResourceValue) -> String { document.at("metadata", "id")?.text ?? "" }
  private static func node(_ document: ResourceValue) -> String { document.at("spec", "nodeId")?.text ?? "" }

  private static func key(_ document: ResourceValue) -> String {
    document.isListed ? id(document) : "\(id(document))\n\(node(document))"
  }
}

extension ResourceValue {
  /// Whether a member's document is of the member of its name, rather than of one that is gone or merely claims it.
  var isListed: Bool {
    at("metadata", "phase")?.text != "tombstone" && at("status", "reason")?.text != "superseded"
      && at("status", "heldBy")?.text == nil
  }
}
