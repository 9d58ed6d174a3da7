import ClusterModel
import RegistryKit

/// What is known of all files: takes in one look after the other, and never forgets good content for a
/// bad one. A pure value.
struct KnownFiles: Sendable {
  /// What one file says.
  struct File: Sendable {
    /// The good nodes, by whose word it is, then by node.
    var nodes: [String: [NodeIdentity: AffiliateRecord]] = [:]
    var mark: FileMark?
    /// What is wrong with the content that was last read.
    var problems = ProblemList()
    var notes = ProblemList()
    /// Why the file couldn't be read the last time.
    var trouble: Trouble?
    /// The number of looks in a row that didn't find the file.
    var missed = 0
    /// The number of looks in a row that found it being written to.
    var unsettled = 0
  }

  /// By the path that a person would write.
  private(set) var files: [String: File] = [:]
  /// In the order of the paths and of their names.
  private(set) var order: [String] = []
  /// What is wrong beside the files.
  private(set) var troubles: [Trouble] = []

  /// Who is never told of.
  let localNodeID: NodeIdentity?

  /// Rises whenever something of the files may have changed.
  private(set) var revision = 0

  private let maximumNodes: Int
  /// The number of nodes in all files.
  private var nodeCount = 0

  init(localNodeID: NodeIdentity? = nil, maximumNodes: Int = Limits.nodes) {
    self.localNodeID = localNodeID
    self.maximumNodes = maximumNodes
  }

  /// What to hand to the next look.
  var marks: [String: FileMark] { files.compactMapValues(\.mark) }

  /// Takes in a look.
  ///
  /// - Returns: whether to look again in a moment, as a file is gone or being written to: it may be on its
  ///   way from one state to the next.
  mutating func take(_ scan: Scan) -> Bool {
    var lookAgain = false
    let found = Set(scan.files.map(\.shown))
    for file in scan.files {
      if take(file.outcome, of: file.shown) { lookAgain = true }
    }
    for (shown, file) in files where !found.contains(shown) && !scan.isPartial {
      if file.missed > 0 {
        files[shown] = nil
        nodeCount -= Self.count(file.nodes)
        revision += 1
      } else {
        files[shown]?.missed += 1
        lookAgain = true
      }
    }
    let order = order(of: scan, found: found)
    if order != self.order { revision += 1 }
    self.order = order
    // While a file is only on its way from one state to the next nothing is wrong.
    troubles = scan.troubles + scan.missing.filter { files[$0.shown] == nil }.map(\.trouble)
    return lookAgain
  }

  /// The order of the look, or the one there was while some files are kept that the look didn't find.
  private func order(of scan: Scan, found: Set<String>) -> [String] {
    let new = scan.files.map(\.shown)
    guard files.count > found.count else { return new }
    let known = Set(order)
    return order.filter { files[$0] != nil } + new.filter { !known.contains($0) }
  }

  private mutating func take(_ outcome: Scan.Outcome, of shown: String) -> Bool {
    var file = files.removeValue(forKey: shown) ?? File()
    file.missed = 0
    file.trouble = nil
    defer { files[shown] = file }
    switch outcome {
    case .unchanged(let mark): file.mark = mark
    case .read(let reading, let mark):
      revision += 1
      let nodes = nodes(of: reading, previous: file.nodes, confirmedAt: mark.signature.modificationTime)
      let count = nodeCount - Self.count(file.nodes) + Self.count(nodes)
      guard count <= maximumNodes else {
        // Without a mark it is read again each time: other files may have become smaller.
        file.mark = nil
        file.trouble = Trouble(
          .limitExceeded,
          "with '\(shown)' all files have \(count) nodes, more than \(maximumNodes); its change isn't taken over"
        )
        break
      }
      nodeCount = count
      file.nodes = nodes
      file.mark = mark
      file.problems = reading.problems
      file.notes = reading.notes
    case .malformed(let error, let mark):
      file.mark = mark
      file.problems = ProblemList()
      file.problems.append(error)
    case .unreadable(let trouble): file.trouble = trouble
    case .unsettled(let trouble):
      file.unsettled += 1
      // A log is no file of nodes: after a while looking again in a moment is left to its next change.
      guard file.unsettled > 20 else { return true }
      file.trouble = trouble
      return false
    }
    file.unsettled = 0
    return false
  }

  private static func count(_ nodes: [String: [NodeIdentity: AffiliateRecord]]) -> Int {
    nodes.values.reduce(0) { $0 + $1.count }
  }

  /// The nodes of a reading: those that didn't change keep the time since when the file says so, and
  /// those with a problem keep what was last good.
  private func nodes(
    of reading: FileReading, previous: [String: [NodeIdentity: AffiliateRecord]], confirmedAt: Timestamp
  ) -> [String: [NodeIdentity: AffiliateRecord]] {
    var nodes: [String: [NodeIdentity: AffiliateRecord]] = [:]
    // Time zero and before is what images and archives write that know none.
    let time = confirmedAt.milliseconds > 0 ? confirmedAt : nil
    for (key, affiliate) in reading.nodes where key.nodeID != localNodeID {
      let known = previous[key.origin]?[key.nodeID]
      let record = known?.affiliate == affiliate ? known : nil
      nodes[key.origin, default: [:]][key.nodeID] = record ?? AffiliateRecord(affiliate, confirmedAt: time)
    }
    for key in reading.broken {
      guard let known = previous[key.origin]?[key.nodeID] else { continue }
      nodes[key.origin, default: [:]][key.nodeID] = known
    }
    return nodes
  }
}

extension KnownFiles {
  /// Everything that is wrong, in a fixed order, for people; of very much the rest is counted.
  var allTroubles: [Trouble] {
    var all = troubles
    var more = 0
    for shown in order {
      guard let file = files[shown] else { continue }
      if let trouble = file.trouble { all.append(trouble) }
      let kept = file.problems.kept.prefix(max(0, Limits.troubles - all.count))
      all += kept.map { Trouble(.invalidArgument, $0.description) }
      more += file.problems.count - kept.count
    }
    if more > 0 { all.append(Trouble(.invalidArgument, "\(more) more problems")) }
    return all
  }

  /// What was left out without being wrong.
  var allNotes: [String] { order.flatMap { files[$0]?.notes.kept.map(\.description) ?? [] } }
}
