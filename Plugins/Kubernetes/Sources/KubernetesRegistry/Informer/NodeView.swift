import ClusterModel
import RegistryKit

/// What is known of all Nodes, and what its changes come to as updates.
///
/// Of a Node only its record and a number are kept; of one that takes no part only the number.
struct NodeView {
  fileprivate struct Entry {
    var record: AffiliateRecord?
    var version: UInt64?
  }

  /// By the Node's name.
  private var entries: [String: Entry] = [:]
  /// The names of the Nodes that have an identity, in order. The first one counts: mostly it is the only one,
  /// but a cloned disk carries its identity along.
  private var owners: [NodeIdentity: [String]] = [:]
  private var isFirst = true
  private let localNodeID: NodeIdentity?
  private let problems: ProblemLog

  init(localNodeID: NodeIdentity?, problems: ProblemLog) {
    self.localNodeID = localNodeID
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
    let before = entries
    entries = draft.entries
    var claims: [NodeIdentity: [String]] = [:]
    for (name, entry) in entries {
      if let nodeID = entry.record?.affiliate.nodeID { claims[nodeID, default: []].append(name) }
    }
    for (nodeID, names) in claims where names.count > 1 { claims[nodeID] = names.sorted() }
    let previousOwners = owners
    owners = claims
    for (nodeID, names) in previousOwners where names.count > 1 { noteDuplicates(of: nodeID) }
    for (nodeID, names) in owners where names.count > 1 { noteDuplicates(of: nodeID) }
    if isFirst {
      isFirst = false
      return [.snapshot(owners.keys.compactMap { record(of: $0) }, source: .only, absent: .deleted)]
    }
    // Runs of one kind cross the plugin boundary as one.
    var removals: [RegistryUpdate] = []
    var upserts: [RegistryUpdate] = []
    for (nodeID, names) in previousOwners {
      guard owners[nodeID] != nil else {
        removals.append(.remove(nodeID, source: .only, reason: .deleted))
        continue
      }
      let old = names.first.flatMap { before[$0]?.record }
      if let update = change(of: nodeID, from: old) { upserts.append(update) }
    }
    for nodeID in owners.keys where previousOwners[nodeID] == nil {
      if let update = change(of: nodeID, from: nil) { upserts.append(update) }
    }
    return removals + upserts
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
    let oldID = entries[name]?.record?.affiliate.nodeID
    let newID = entry?.record?.affiliate.nodeID
    let touched = oldID == newID ? [oldID] : [oldID, newID]
    let before = touched.map { $0.flatMap { record(of: $0) } }
    entries[name] = entry
    if oldID != newID {
      if let oldID { drop(name, from: oldID) }
      if let newID { insert(name, into: newID) }
    }
    return zip(touched, before).compactMap { nodeID, before in nodeID.flatMap { change(of: $0, from: before) }
    }
  }

  private func change(of nodeID: NodeIdentity, from old: AffiliateRecord?) -> RegistryUpdate? {
    let new = record(of: nodeID)
    if new == old { return nil }
    return new.map { .upsert($0, source: .only) } ?? .remove(nodeID, source: .only, reason: .deleted)
  }

  /// The record that counts.
  private func record(of nodeID: NodeIdentity) -> AffiliateRecord? {
    owners[nodeID]?.first.flatMap { entries[$0]?.record }
  }

  /// What is kept of a Node; nil where it has no name to keep it under.
  private func entry(of node: NodeObject) -> Entry? {
    guard !node.name.isEmpty else {
      problems.note(["a Node without a name is left out"], of: "/")
      return nil
    }
    let mapping = NodeMapping(node)
    var all = mapping.problems
    if mapping.furtherProblems > 0 {
      all.append("Node '\(node.name)': and \(mapping.furtherProblems) more problems")
    }
    problems.note(all, of: node.name)
    let record = mapping.record.flatMap { $0.affiliate.nodeID == localNodeID ? nil : $0 }
    return Entry(record: record, version: UInt64(node.resourceVersion))
  }

  private mutating func insert(_ name: String, into nodeID: NodeIdentity) {
    var names = owners[nodeID] ?? []
    names.insert(name, at: names.firstIndex { $0 > name } ?? names.endIndex)
    owners[nodeID] = names
    noteDuplicates(of: nodeID)
  }

  private mutating func drop(_ name: String, from nodeID: NodeIdentity) {
    let names = owners[nodeID]?.filter { $0 != name } ?? []
    owners[nodeID] = names.isEmpty ? nil : names
    noteDuplicates(of: nodeID)
  }

  /// Logs Nodes that have one identity. Kept under the identity, which no Node's name is (it has a slash in
  /// front).
  private func noteDuplicates(of nodeID: NodeIdentity) {
    let names = owners[nodeID] ?? []
    let problem =
      "the Nodes \(names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")) have one identity, '\(nodeID)'; only the "
      + "first one counts"
    problems.note(names.count > 1 ? [problem] : [], of: "/\(nodeID)")
  }
}

extension APIError {
  /// More Nodes than a registry may have.
  fileprivate static func tooManyNodes(limit: Int) -> APIError {
    APIError(
      .malformed, RegistryError(.limitExceeded, "the server has more than \(limit) nodes, which are too many")
    )
  }
}
