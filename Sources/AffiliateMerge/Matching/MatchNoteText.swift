public import ClusterModel

extension MatchNote {
  /// What stood against it in one line, for a person. What comes from outside isn't escaped yet.
  ///
  /// - Parameters:
  ///   - name: what a node is called.
  ///   - saying: what a node says of a field, or nil: this record.
  public func words(
    naming name: (NodeIdentity) -> String, saying: (MatchField, NodeIdentity?) -> String? = { _, _ in nil }
  ) -> String {
    let nodes = candidates.map(name).joinedAsList
    let said = [field?.description, field.flatMap { field in value.map { field.shown($0) } }]
      .compactMap { $0 }.joined(separator: " ")
    switch reason {
    case .shared: return "\(said): \(nodes) have it"
    case .twice:
      return
        "\(said): \(records.map(\.description).joinedAsList) \(records.count == 1 ? "says" : "say") it too, "
        + "so it tells no records of \(records.first?.origin.registry ?? "this registry") apart; \(nodes) "
        + (candidates.count == 1 ? "has it" : "have it")
    case .contradiction:
      let field = against?.description ?? "name"
      let theirs = against.flatMap { field in candidates.first.flatMap { saying(field, $0) } }
      let own = against.flatMap { saying($0, nil) }
      guard let theirs, let own else {
        return "\(said) is \(nodes)'s, but that one's \(field) is another one"
      }
      return "\(said) is \(nodes)'s, but that one's \(field) is \(theirs), not \(own)"
    case .split:
      return field.map { "\($0) tells none of those that fields before it tell: \(nodes)" }
        ?? "what it says is said by \(nodes)"
    case .rival:
      let others = records.map(\.description).joinedAsList
      return "\(others) \(records.count == 1 ? "claims" : "claim") \(nodes) as well, and differs"
    }
  }

  /// What a person can do about it.
  public var advice: String {
    switch (reason, field) {
    case (.shared, .address), (.split, _):
      let address = field == .address ? value : nil
      return "give it a nodename, put machineID first in match"
        + (address.map { ", or add \($0) to merge.match.ignoreAddresses" } ?? "")
    case (.shared, _), (.contradiction, _):
      return "give it a nodename of its own, or put machineID first in match"
    case (.twice, _): return "give each machine its own, or put another key first in match"
    case (.rival, _): return "remove one of them where it is the same machine, or correct what it says"
    }
  }
}

extension RecordPlacement.Join {
  /// By what the record was joined in a few words: `nodename w-1`.
  public var words: String { "\(field) \(field.shown(value))" + (strength.isStale ? " (stale)" : "") }
}

extension MatchField {
  /// The value as it may be shown: of a machine id, which is confidential, the start.
  fileprivate func shown(_ value: String) -> String { self == .machineID ? "\(value.prefix(4))…" : value }
}

extension [String] {
  /// `a, b and c`.
  fileprivate var joinedAsList: String {
    guard count > 1, let last else { return first ?? "" }
    return "\(dropLast().joined(separator: ", ")) and \(last)"
  }
}
