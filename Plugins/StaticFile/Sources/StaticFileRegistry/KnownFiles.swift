import ClusterModel
import Documents
import Inventories
import Platform
import RegistryKit

/// What is known of all files: takes in one scan after the other, and never gives up good content for bad, for
/// none, or for a file's absence alone. A pure value.
struct KnownFiles: Sendable {
  /// What is known of one file.
  private struct File {
    var nodes = InventoryRecords()
    var mark: FileMark?
    /// What is wrong with the content that was last read.
    var problems = ProblemList()
    var notes = ProblemList()
    /// Why the content that was last read isn't taken over.
    var refusal: RegistryError?
    /// Why the file couldn't be read the last time.
    var readError: RegistryError?
    /// The number of scans in a row that didn't find the file.
    var missed = 0
    /// Since when it hasn't been found, as ``missed`` scans agree; nil where it is there.
    var goneSince: Duration?
    /// Since when all scans have found it being written to; nil where the last one didn't.
    var unsettledSince: Duration?

    var nodeCount: Int { nodes.count }
  }

  /// By the path that a person would write.
  private var files: [String: File] = [:]
  /// In the order of the paths and of their names.
  private(set) var order: [String] = []
  /// What kept the last scan from finding files.
  private var scanErrors: [RegistryError] = []
  private let localNodeID: NodeIdentity?
  private let staleAfter: Duration
  private let maximumNodes: Int
  /// The number of nodes in all files.
  private var nodeCount = 0

  /// Rises whenever the files' nodes may have changed.
  private(set) var revision = 0

  /// - Parameters:
  ///   - localNodeID: who is left out.
  ///   - staleAfter: how long the nodes of a file that is gone stay.
  ///   - maximumNodes: the most nodes that all files may have.
  init(
    localNodeID: NodeIdentity? = nil, staleAfter: Duration = .zero, maximumNodes: Int = InventoryLimits.nodes
  ) {
    self.localNodeID = localNodeID
    self.staleAfter = staleAfter
    self.maximumNodes = maximumNodes
  }

  /// What to hand to the next scan.
  var marks: [String: FileMark] { files.compactMapValues(\.mark) }

  /// The good nodes of a file; nil where it isn't known.
  func nodes(of shown: String) -> InventoryRecords? { files[shown]?.nodes }

  /// Whether a file couldn't be read so far only because it is being written to.
  var isSettling: Bool {
    files.values.contains { $0.unsettledSince != nil && $0.readError == nil && $0.mark == nil }
  }

  // MARK: What is wrong

  /// Why files can't be found or read, in a fixed order.
  var readErrors: [RegistryError] {
    scanErrors
      + order.compactMap { shown in
        guard let file = files[shown] else { return nil }
        return file.goneSince == nil ? file.readError : gone(shown, file)
      }
  }

  private func gone(_ shown: String, _ file: File) -> RegistryError {
    RegistryError(
      .unavailable,
      "'\(shown)' is gone; what it listed (\(Self.count(file))) stays until it has been away for "
        + "\(DurationText.text(of: staleAfter)). A file with `nodes: []` lists none at once")
  }

  private static func count(_ file: File) -> String {
    file.nodeCount == 1 ? "1 node" : "\(file.nodeCount) nodes"
  }

  /// What of the files' content can't be used, in the order of the files; of very much the rest is counted.
  var contentErrors: [RegistryError] {
    var errors: [RegistryError] = []
    var more = 0
    for file in order.lazy.compactMap({ files[$0] }) {
      if let refusal = file.refusal { errors.append(refusal) }
      let kept = file.problems.kept.prefix(max(0, FileLimits.problems - errors.count))
      errors += kept.map { RegistryError(.invalidArgument, $0.description) }
      more += file.problems.count - kept.count
    }
    if more > 0 { errors.append(RegistryError(.invalidArgument, "\(more) more problems")) }
    return errors
  }

  /// What was left out without being wrong.
  var notes: [String] { order.flatMap { files[$0]?.notes.kept.map(\.description) ?? [] } }

  // MARK: Scans

  /// Takes in a scan that was made at `elapsed`, the time since some start.
  ///
  /// - Returns: after what pause to scan again although nothing may change, as a file is gone or being written to:
  ///   it may be on its way from one state to the next. Nil: not before something changes.
  mutating func take(_ scan: Scan, at elapsed: Duration = .zero) -> Duration? {
    var pauses: [Duration] = []
    let found = Set(scan.files.map(\.shown))
    for file in scan.files {
      if let pause = take(file.outcome, of: file.shown, at: elapsed) { pauses.append(pause) }
    }
    for (shown, file) in files where !found.contains(shown) && !scan.isPartial {
      if let pause = miss(shown, file, at: elapsed) { pauses.append(pause) }
    }
    let order = order(of: scan, found: found)
    if order != self.order { revision += 1 }
    self.order = order
    // While a file is only on its way from one state to the next nothing is wrong.
    scanErrors = scan.errors + scan.missing.filter { files[$0.shown] == nil }.map(\.error)
    return pauses.min()
  }

  /// A file wasn't found: its nodes stay for a while, as a mistake takes files away too.
  private mutating func miss(_ shown: String, _ file: File, at elapsed: Duration) -> Duration? {
    guard file.missed > 0 else {
      files[shown]?.missed = 1
      return FileLimits.settlePauses.first
    }
    let since = file.goneSince ?? elapsed
    let rest = since + staleAfter - elapsed
    guard file.nodeCount > 0, rest > .zero else {
      files[shown] = nil
      nodeCount -= file.nodeCount
      revision += 1
      return nil
    }
    if file.goneSince == nil {
      // What is found elsewhere meanwhile goes before it. When it is back it is read anew: entries may say of
      // themselves that they are stale.
      files[shown]?.mark = nil
      files[shown]?.nodes = file.nodes.with(isStale: true)
      revision += 1
    }
    files[shown]?.goneSince = since
    return rest
  }

  /// The order of the scan, or the one there was while some files are kept that the scan didn't find.
  private func order(of scan: Scan, found: Set<String>) -> [String] {
    let new = scan.files.map(\.shown)
    guard files.count > found.count else { return new }
    let known = Set(order)
    return order.filter { files[$0] != nil } + new.filter { !known.contains($0) }
  }

  private mutating func take(_ outcome: Scan.Outcome, of shown: String, at elapsed: Duration) -> Duration? {
    var file = files.removeValue(forKey: shown) ?? File()
    file.missed = 0
    if file.goneSince != nil {
      file.nodes = file.nodes.with(isStale: false)
      revision += 1
    }
    file.goneSince = nil
    file.readError = nil
    defer { files[shown] = file }
    switch outcome {
    case .unchanged(let mark): file.mark = mark
    case .read(let reading, let mark):
      revision += 1
      // Time zero and before is what images and archives write that know none.
      let written = mark.signature.modificationTime
      let nodes = file.nodes.following(
        reading, without: localNodeID, confirmedAt: written.milliseconds > 0 ? written : nil)
      let previousCount = file.nodeCount
      var new = file
      (new.nodes, new.mark) = (nodes, mark)
      (new.problems, new.notes) = (reading.problems, reading.notes)
      new.refusal = silence(of: shown, reading, file)
      let count = nodeCount - previousCount + new.nodeCount
      guard count <= maximumNodes else {
        // Without a mark it is read again each time: other files may have become smaller.
        file.mark = nil
        file.refusal = RegistryError(
          .limitExceeded,
          "with '\(shown)' all files have \(count) nodes, more than \(maximumNodes); its change isn't taken over"
        )
        break
      }
      nodeCount = count
      file = new
    case .malformed(let error, let mark):
      (file.mark, file.refusal) = (mark, nil)
      file.problems = ProblemList()
      file.problems.append(error)
    case .unreadable(let error): file.readError = error
    case .unsettled(let error):
      let since = file.unsettledSince ?? elapsed
      file.unsettledSince = since
      guard elapsed - since >= FileLimits.unsettledTime else { return FileLimits.settlePauses.first }
      file.readError = error
      return FileLimits.settlePauses.later
    }
    file.unsettledSince = nil
    return nil
  }

  /// What is wrong with a file that says nothing of nodes: `: > nodes.yaml` is a mistake more often than a wish.
  private func silence(of shown: String, _ reading: Inventory, _ file: File) -> RegistryError? {
    guard !reading.listsNodes, reading.problems.isEmpty else { return nil }
    // What it has in place of nodes is noted.
    guard file.nodeCount > 0 || reading.notes.isEmpty else { return nil }
    let kept = file.nodeCount > 0 ? "; what it listed before (\(Self.count(file))) stays" : ""
    return RegistryError(
      .invalidArgument,
      "'\(shown)' lists no nodes, not even none\(kept). Write `nodes: []` if there are none")
  }
}
