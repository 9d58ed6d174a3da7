package import ClusterModel
package import Documents
import Platform
package import RegistryKit

/// What a stream of ``UpdateLine`` has said so far, and what each further line changes. A pure value.
///
/// Nothing is lost by a mistake: a line that can't be read changes nothing, and is a problem until a whole snapshot
/// comes.
package struct UpdateView {
  private var contents: SourceContents = [:]
  private var count = 0
  private let localNodeID: NodeIdentity?
  /// What couldn't be used since the last whole snapshot; the first ones.
  private var problems: [RegistryError] = []
  private var furtherProblems = 0
  /// Why the stream itself says that it is degraded.
  private(set) package var degradation: RegistryError?

  private static let maximumProblems = 100

  /// - Parameter localNodeID: who is left out.
  package init(localNodeID: NodeIdentity?) { self.localNodeID = localNodeID }

  /// Whether a snapshot has come.
  package var isSynced: Bool { !contents.isEmpty }

  /// What can't be used of what was said, as a registry reports it.
  package var contentErrors: [RegistryError] {
    furtherProblems > 0
      ? problems + [RegistryError(.invalidArgument, "\(furtherProblems) more problems")] : problems
  }

  /// Takes in a line.
  ///
  /// - Returns: what it changes, in order.
  package mutating func take(_ line: UpdateLine) -> [RegistryUpdate] {
    var updates: [RegistryUpdate] = []
    if case .snapshot = line.content, !line.hidesNodes {
      (problems, furtherProblems, degradation) = ([], 0, nil)
    }
    for problem in line.problems.kept { report(RegistryError(.invalidArgument, problem.description)) }
    furtherProblems += line.problems.count - line.problems.kept.count
    switch line.content {
    case .snapshot(let records): updates = snapshot(records, line)
    case .upsert(let record):
      guard !isOwn(record), fits(line.source, more: contents[line.source]?[id(record)] == nil ? 1 : 0) else {
        break
      }
      guard contents[line.source]?[id(record)] != record else { break }
      let id = id(record)
      if contents[line.source, default: [:]].updateValue(record, forKey: id) == nil { count += 1 }
      updates = [.upsert(record, source: line.source)]
    case .remove(let id, let reason):
      guard contents[line.source]?.removeValue(forKey: id) != nil else { break }
      count -= 1
      updates = [.remove(id, source: line.source, reason: reason)]
    case .degraded(let why): degradation = why.map { RegistryError(.unavailable, $0) }
    case .other(let key, let value):
      report(
        RegistryError(
          .invalidArgument, "line \(value.mark.line): an update of the kind \(quoted(key)) isn't known"))
    case nil: break
    }
    return updates
  }

  /// Takes in that a line couldn't be read.
  package mutating func take(_ error: YAMLError) {
    report(RegistryError(.invalidArgument, error.description))
  }

  private func id(_ record: AffiliateRecord) -> NodeIdentity { record.affiliate.nodeID }

  private func isOwn(_ record: AffiliateRecord) -> Bool { !record.isLocalID && id(record) == localNodeID }

  private mutating func snapshot(_ records: [AffiliateRecord], _ line: UpdateLine) -> [RegistryUpdate] {
    var new = Dictionary(records.filter { !isOwn($0) }.map { (id($0), $0) }) { _, last in last }
    let old = contents[line.source]
    if line.hidesNodes {
      // A first one in which nothing can be read says nothing.
      if old == nil, new.isEmpty { return [] }
      new.merge(old ?? [:]) { new, _ in new }
    }
    guard fits(line.source, more: new.count - (old?.count ?? 0)) else { return [] }
    count += new.count - (old?.count ?? 0)
    var after = contents
    after[line.source] = new
    defer { contents = after }
    return contents.updates(to: after)
  }

  private mutating func fits(_ source: RegistrySource, more: Int) -> Bool {
    guard contents[source] != nil || contents.count < RegistrySource.maximumCount else {
      report(
        RegistryError(
          .limitExceeded,
          "more than \(RegistrySource.maximumCount) sources; \(quoted(source.name)) is left out"))
      return false
    }
    guard count + more <= InventoryLimits.nodes else {
      report(
        RegistryError(.limitExceeded, "more than \(InventoryLimits.nodes) nodes; what is more is left out"))
      return false
    }
    return true
  }

  private mutating func report(_ error: RegistryError) {
    guard !problems.contains(error) else { return }
    if problems.count < Self.maximumProblems { problems.append(error) } else { furtherProblems += 1 }
  }
}
