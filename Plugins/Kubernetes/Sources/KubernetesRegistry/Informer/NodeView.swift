import ClusterModel
import RegistryKit

/// What is known of all Nodes, and what its changes come to as updates.
///
/// Of a Node only its record, its addresses and a number are kept; of one that takes no part only the number.
struct NodeView {
  fileprivate struct Entry {
    /// By the identity that the Node claims, else by its name.
    var record: AffiliateRecord?
    /// Those under its name, of a Node that claims an identity.
    var addresses: [IPAddress] = []
    var version: UInt64?

    /// The identity that the Node claims.
    var claim: NodeIdentity? { record.flatMap { $0.isLocalID ? nil : $0.affiliate.nodeID } }
  }

  /// By the Node's name.
  private var entries: [String: Entry] = [:]
  /// The names of the Nodes that claim an identity, the first one being whose it is: mostly it is the only one, but
  /// a cloned disk carries its identity along. The others have records by their names.
  private var owners: [NodeIdentity: [String]] = [:]
  private var isFirst = true
  private let localNodeID: NodeIdentity?
  private let choice: NodeChoice
  private let problems: ProblemLog

  init(localNodeID: NodeIdentity?, choice: NodeChoice = .annotated, problems: ProblemLog) {
    self.localNodeID = localNodeID
    self.choice = choice
    self.problems = problems
  }

  /// How many Nodes are known, with and without an identity.
  var count: Int { entries.count }

  /// Nodes that have been read, to become all that there are when they are complete.
  struct Draft {
    fileprivate var entries: [String: Entry] = [:]
    /// What was found out about this machine's own.
    var own: OwnNode.Reading
    /// How many there were when the last page ended.
    private var lastCount = 0
    /// How many pages had none that was new.
    private var emptyPages = 0

    init(own: OwnNode.Reading = OwnNode.Reading()) { self.own = own }

    /// A page of them has been read.
    ///
    /// - Throws: where there are more than `limit`, a page without any counted as one.
    mutating func endPage(limit: Int) throws(APIError) {
      if entries.count == lastCount { emptyPages += 1 }
      lastCount = entries.count
      guard entries.count + emptyPages <= limit else { throw .tooManyNodes(limit: limit) }
    }

    /// Takes a Node out again.
    mutating func remove(_ name: String) { entries[name] = nil }
  }

  /// Adds a Node to those that have been read.
  ///
  /// - Throws: where there are more than `limit`.
  func add(_ node: NodeObject, to draft: inout Draft, limit: Int = .max) throws(APIError) {
    guard let entry = entry(of: node) else { return }
    draft.entries[node.name] = entry
    guard draft.entries.count <= limit else { throw .tooManyNodes(limit: limit) }
  }

  /// Takes over all Nodes as they were read.
  ///
  /// - Returns: all records the first time, then only what differs.
  mutating func replace(with draft: Draft) -> [RegistryUpdate] {
    problems.keep(only: draft.entries.keys)
    let before = isFirst ? [:] : records(of: entries.keys)
    let previousOwners = owners
    entries = draft.entries
    owners = [:]
    for (name, entry) in entries {
      if let claim = entry.claim { owners[claim, default: []].append(name) }
    }
    for (nodeID, names) in owners where names.count > 1 {
      owners[nodeID] = names.sorted { precedes($0, $1, for: nodeID) }
    }
    for (nodeID, names) in previousOwners where names.count > 1 { noteClaims(of: nodeID) }
    for nodeID in owners.keys { noteClaims(of: nodeID) }
    let after = records(of: entries.keys)
    guard !isFirst else {
      isFirst = false
      return [.snapshot(Array(after.values), source: .only, absent: .deleted)]
    }
    return Self.difference(from: before, to: after)
  }

  /// A Node is new or changed.
  mutating func set(_ node: NodeObject) -> [RegistryUpdate] {
    guard let entry = entry(of: node) else { return [] }
    let old = entries[node.name]
    if let new = entry.version, let known = old?.version, new < known { return [] }
    return change(node.name, to: entry)
  }

  /// A Node is gone.
  mutating func remove(_ node: NodeObject) -> [RegistryUpdate] {
    guard let old = entries[node.name] else { return [] }
    if let new = UInt64(node.resourceVersion), let known = old.version, new < known { return [] }
    problems.note([], of: node.name)
    return change(node.name, to: nil)
  }

  private mutating func change(_ name: String, to entry: Entry?) -> [RegistryUpdate] {
    let old = entries[name]
    // A heartbeat, mostly.
    if let old, let entry, old.record == entry.record, old.addresses == entry.addresses {
      entries[name] = entry
      return []
    }
    // Whose identity is called as the Node.
    let namesake = (try? NodeIdentity(name)).flatMap { owners[$0] == nil ? nil : $0 }
    let claims = Set([old?.claim, entry?.claim, namesake].compactMap { $0 })
    // Who has an identity, and who has it next.
    let touched = claims.reduce(into: Set([name])) { $0.formUnion(owners[$1]?.prefix(2) ?? []) }
    let before = records(of: touched)
    if let claim = old?.claim {
      let names = owners[claim]?.filter { $0 != name } ?? []
      owners[claim] = names.isEmpty ? nil : names
    }
    entries[name] = entry
    if let claim = entry?.claim {
      var names = owners[claim] ?? []
      names.insert(name, at: names.firstIndex { precedes(name, $0, for: claim) } ?? names.endIndex)
      owners[claim] = names
    }
    for claim in claims { noteClaims(of: claim) }
    return Self.difference(from: before, to: records(of: touched))
  }

  /// The updates that make `after` of `before`. Runs of one kind cross the plugin boundary as one.
  private static func difference(
    from before: [NodeIdentity: AffiliateRecord], to after: [NodeIdentity: AffiliateRecord]
  ) -> [RegistryUpdate] {
    var updates: [RegistryUpdate] = []
    for nodeID in before.keys where after[nodeID] == nil {
      updates.append(.remove(nodeID, source: .only, reason: .deleted))
    }
    for (nodeID, record) in after where before[nodeID] != record {
      updates.append(.upsert(record, source: .only))
    }
    return updates
  }

  /// The records of the Nodes called `names`, by their ids. No two Nodes have one: see ``owner(of:)``.
  private func records(of names: some Sequence<String>) -> [NodeIdentity: AffiliateRecord] {
    var records: [NodeIdentity: AffiliateRecord] = [:]
    for name in names {
      if let record = record(of: name) { records[record.affiliate.nodeID] = record }
    }
    return records
  }

  /// The record of a Node; nil where it takes no part or is this machine's own.
  private func record(of name: String) -> AffiliateRecord? {
    guard let entry = entries[name], let record = entry.record else { return nil }
    guard let claim = entry.claim else { return record }
    guard owner(of: claim) == name else { return NodeMapping.local(record, addresses: entry.addresses) }
    return claim == localNodeID ? nil : record
  }

  /// Whose an identity is. One that is the name of another Node is nobody's: it is that Node's local id.
  private func owner(of nodeID: NodeIdentity) -> String? {
    guard let first = owners[nodeID]?.first else { return nil }
    return first != nodeID.text && entries[nodeID.text]?.record != nil ? nil : first
  }

  /// Whether the Node `name` rather than `other` has the identity that both claim: who is called so, then the older
  /// one, then the first by name.
  private func precedes(_ name: String, _ other: String, for nodeID: NodeIdentity) -> Bool {
    if name == nodeID.text || other == nodeID.text { return name == nodeID.text }
    let (age, otherAge) = (entries[name]?.record?.createdAt, entries[other]?.record?.createdAt)
    guard age != otherAge else { return name < other }
    return age ?? .unknownAge < otherAge ?? .unknownAge
  }

  /// What is kept of a Node; nil where it has no name to keep it under.
  private func entry(of node: NodeObject) -> Entry? {
    guard !node.name.isEmpty else {
      noteNameless()
      return nil
    }
    let mapping = NodeMapping(node, choice: choice)
    var all = mapping.problems
    if mapping.furtherProblems > 0 {
      all.append("Node '\(node.name)': and \(mapping.furtherProblems) more problems")
    }
    guard node.name.utf8.count <= NodeMapping.maximumNameBytes else {
      problems.note(all, of: "/\(node.name.unicodeScalars.prefix(64))")
      return nil
    }
    problems.note(all, of: node.name)
    return Entry(
      record: mapping.record, addresses: mapping.kubeletAddresses, version: UInt64(node.resourceVersion))
  }

  /// Logs, once, that there was something without a name among the Nodes.
  func noteNameless() {
    problems.note(["the server sent objects without a name among the nodes; such are left out"], of: "/")
  }

  /// Logs Nodes that claim one identity, or one that is another Node's name. Kept under the identity, which no
  /// Node's name is (it has a slash in front).
  private func noteClaims(of nodeID: NodeIdentity) {
    let names = owners[nodeID] ?? []
    var problem: String?
    if let first = names.first {
      let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
      if owner(of: nodeID) == nil {
        problem =
          "the identity '\(nodeID)' of the Nodes \(shown) is another Node's name; they have records by their names"
      } else if names.count > 1 {
        problem =
          "the Nodes \(shown) have one identity, '\(nodeID)'; '\(first)' keeps it as the oldest, the others have records "
          + "by their names"
      }
    }
    problems.note(problem.map { [$0] } ?? [], of: "/\(nodeID)")
  }
}

extension Timestamp {
  /// Of a Node without a time at which it was made: every other one is older.
  fileprivate static let unknownAge = Timestamp(milliseconds: .max)
}

extension APIError {
  /// More Nodes than a registry may have.
  fileprivate static func tooManyNodes(limit: Int) -> APIError {
    APIError(
      .malformed, RegistryError(.limitExceeded, "the server has more than \(limit) nodes, which are too many")
    )
  }
}
