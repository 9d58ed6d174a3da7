public import ClusterModel
import ClusterResources
import Lifecycle
import Platform
import Rollcall

/// Finds the node that a person means.
public struct NodeFinder {
  /// By what a node is found.
  public enum Way: String, Sendable {
    case nodename, identity, hostname, address, tombstone
    case prefix = "identity that begins so"
  }

  /// A node that may be meant.
  public struct Match: Hashable, Sendable {
    /// The node's identity.
    public let node: NodeIdentity
    /// What it is called.
    public let name: String
    /// By what it was found.
    public let way: Way
  }

  /// What was found.
  public enum Result: Sendable {
    /// This one; the others might have been meant as well.
    case found(Match, others: [Match])
    /// One of these, nobody can say which.
    case ambiguous([Match])
    /// None; what may have been meant.
    case unknown(nearMiss: String?)
  }

  /// The most nodes of which names are looked at for a near miss.
  private static let maximumNames = 10_000

  private let documents: ClusterDocuments

  /// Looks in what `documents` are of.
  public init(_ documents: ClusterDocuments) { self.documents = documents }

  /// The node that `text` means: the member of that name, else an identity, hostname or address, else the beginning of
  /// an identity, else a tombstone. `identity/ID` and `member/NAME` mean just that.
  public func find(_ text: String) -> Result {
    let life = documents.life
    let affiliates = documents.snapshot.affiliates.map(\.value)
    let isWhole = affiliates.contains { $0.nodeID.text == text }
    let kind = isWhole ? nil : ["identity/", "member/"].first { text.hasPrefix($0) }
    let name = kind.map { String(text.dropFirst($0.count)) } ?? text
    let address = (try? IPAddress(name)).map(NodeAddress.plain)
    let ways: [(Way, (Affiliate) -> Bool)] = [
      (.nodename, { $0.nodename == name }), (.identity, { $0.nodeID.text == name }),
      (.hostname, { $0.hostname == name }),
      (
        .address,
        { node in
          address.map { node.addresses.contains($0) || node.kubeSpan?.address == $0 } ?? false
        }
      ),
      (.prefix, { $0.nodeID.text.hasPrefix(name) }),
    ].filter { kind == nil || kind == ($0.0 == .nodename ? "member/" : $0.0 == .identity ? "identity/" : "") }
    var found: [Match] = []
    for (way, isMeant) in ways where way != .prefix || found.isEmpty && name.utf8.count >= 4 {
      let nodes = affiliates.filter(isMeant)
      if way != .nodename, found.isEmpty, nodes.count > 1 {
        return .ambiguous(nodes.map { Self.match($0, way) })
      }
      for node in nodes where !found.contains(where: { $0.node == node.nodeID }) {
        found.append(Self.match(node, way))
      }
    }
    if let holder = life.status(named: name)?.node, let first = found.first(where: { $0.node == holder }) {
      return .found(first, others: found.filter { $0.node != holder })
    }
    if let first = found.first { return .found(first, others: Array(found.dropFirst())) }
    let gone = life.tombstones(of: name).map { Match(node: $0.node, name: $0.name, way: .tombstone) }
    if gone.count > 1 { return .ambiguous(gone) }
    if let only = gone.first { return .found(only, others: []) }
    let known = affiliates.prefix(Self.maximumNames).flatMap { [$0.nodename, $0.hostname] }.filter {
      !$0.isEmpty
    }
    return .unknown(nearMiss: didYouMean(name, among: known + life.tombstones.map(\.name)))
  }

  private static func match(_ affiliate: Affiliate, _ way: Way) -> Match {
    let names = [affiliate.nodename, affiliate.hostname, affiliate.nodeID.text]
    return Match(
      node: affiliate.nodeID, name: names.first { !$0.isEmpty } ?? affiliate.nodeID.text, way: way)
  }
}

extension NodeFinder {
  /// The node that `text` means, or why none is.
  func one(_ text: String) throws(Problem) -> Match {
    switch find(text) {
    case .found(let match, _): return match
    case .ambiguous(let matches): throw Self.ambiguous(text, matches)
    case .unknown(let nearMiss):
      throw .notFound(
        "no node has the nodename, identity, hostname or address '\(String(text.prefix(300)).shown)'"
          + (nearMiss.map { ": \($0)" } ?? ""))
    }
  }

  /// What `text` might mean beside `match`.
  func others(than match: Match, _ text: String) -> [Match] {
    if case .found(_, let others) = find(text) { others } else { [] }
  }

  static func ambiguous(_ text: String, _ matches: [Match]) -> Problem {
    Problem(
      .multipleChoices, "ambiguous",
      "'\(String(text.prefix(300)).shown)' is the \(matches[0].way.rawValue) of \(matches.count) nodes: ask for one by its identity",
      candidates: matches.prefix(32).map {
        Problem.Candidate(id: $0.name, nodeID: $0.node.text, why: $0.way.rawValue)
      })
  }
}
