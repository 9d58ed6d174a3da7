import ClusterModel
import RegistryKit

/// Which source has which records.
typealias SourceContents = [RegistrySource: [NodeIdentity: AffiliateRecord]]

/// Decides of which source each file's nodes are.
///
/// A registry of one plain path has one source. Otherwise every file has its own, named after it, so that
/// files that disagree show as such; and where there are more files than sources, all are one source and a
/// node's first file counts. What a file repeats of others (raw documents, `k8s/…`) has a source of its own.
struct SourcePlan: Sendable {
  private let isSingle: Bool
  /// The folder that source names are relative to, as it is shown: with a slash at its end, or empty.
  private let folder: String

  init(_ paths: [PathPattern]) {
    isSingle = paths.count == 1 && paths.allSatisfy { !$0.isPattern }
    guard let first = paths.first, paths.allSatisfy({ $0.isAbsolute == first.isAbsolute }) else {
      folder = ""
      return
    }
    let common = paths.dropFirst().reduce(first.folder) { Self.commonStart($0, $1.folder) }
    folder = (first.isAbsolute ? "/" : "") + common.map { $0 + "/" }.joined()
  }

  private static func commonStart(_ left: [String], _ right: [String]) -> [String] {
    zip(left, right).prefix { $0 == $1 }.map(\.0)
  }

  // MARK: Contents

  /// The contents of all sources, never empty, and which nodes are left out as another file has them.
  func contents(of files: KnownFiles) -> (contents: SourceContents, repetitions: [RegistryError]) {
    let all = files.order.map { ($0, files.nodes(of: $0) ?? [:]) }
    let count = all.reduce(0) { $0 + max(1, $1.1.count) }
    guard count > 0 else { return ([.only: [:]], []) }
    return count <= RegistrySource.maximumCount ? (separate(all), []) : Self.pooled(all)
  }

  private func separate(_ files: [(shown: String, nodes: KnownFiles.Nodes)]) -> SourceContents {
    var contents: SourceContents = [:]
    for file in files {
      let name = isSingle ? "" : fileName(file.shown)
      // A file without nodes has a source all the same: it is known to be empty.
      let origins = file.nodes.isEmpty ? [""] : file.nodes.keys.sorted()
      for origin in origins {
        contents[unused(name, origin, in: contents)] = file.nodes[origin] ?? [:]
      }
    }
    return contents
  }

  private static func pooled(
    _ files: [(shown: String, nodes: KnownFiles.Nodes)]
  ) -> (contents: SourceContents, repetitions: [RegistryError]) {
    var records: [NodeIdentity: AffiliateRecord] = [:]
    var firstFile: [NodeIdentity: String] = [:]
    var repetitions: [String] = []
    for file in files {
      for (_, nodes) in file.nodes.sorted(by: { $0.key < $1.key }) {
        for (id, record) in nodes {
          if let first = firstFile[id] {
            repetitions.append(
              "\(file.shown): node \(quoted(id.text)) is in '\(first)' already, which is kept")
          } else {
            firstFile[id] = file.shown
            records[id] = record
          }
        }
      }
    }
    repetitions.sort()
    let more = repetitions.count - FileLimits.problems
    if more > 0 {
      repetitions = repetitions.prefix(FileLimits.problems) + ["\(more) more nodes that are in several files"]
    }
    return ([.only: records], repetitions.map { RegistryError(.invalidArgument, $0) })
  }

  // MARK: Changes

  /// What leads from `old` to `new`, as one batch.
  static func updates(from old: SourceContents, to new: SourceContents) -> [RegistryUpdate] {
    var updates: [RegistryUpdate] = []
    // What goes first makes room: at no point are there more sources or nodes than a registry may have.
    for source in old.keys.filter({ new[$0] == nil }).sorted() {
      updates += [.snapshot([], source: source, absent: .deleted), .sourceGone(source)]
    }
    func growth(_ source: RegistrySource) -> Int { (new[source]?.count ?? 0) - (old[source]?.count ?? 0) }
    for source in new.keys.sorted(by: { (growth($0), $0) < (growth($1), $1) }) {
      updates += changes(of: source, from: old[source], to: new[source] ?? [:])
    }
    return updates
  }

  private static func changes(
    of source: RegistrySource, from old: [NodeIdentity: AffiliateRecord]?,
    to new: [NodeIdentity: AffiliateRecord]
  ) -> [RegistryUpdate] {
    let all = RegistryUpdate.snapshot(sorted(new), source: source, absent: .deleted)
    guard let old else { return [all] }
    guard old != new else { return [] }
    let changed = new.filter { old[$0.key] != $0.value }
    let removed = old.keys.filter { new[$0] == nil }.sorted()
    guard changed.count + removed.count <= max(64, new.count / 2) else { return [all] }
    return removed.map { .remove($0, source: source, reason: .deleted) }
      + sorted(changed).map { .upsert($0, source: source) }
  }

  private static func sorted(_ records: [NodeIdentity: AffiliateRecord]) -> [AffiliateRecord] {
    records.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
  }

  // MARK: Names

  private func fileName(_ shown: String) -> String {
    shown.hasPrefix(folder) ? String(shown.dropFirst(folder.count)) : shown
  }

  /// A source for the nodes of `origin` in the file `name` that isn't in `contents` yet.
  private func unused(_ name: String, _ origin: String, in contents: SourceContents) -> RegistrySource {
    let parts = [name, origin].filter { !$0.isEmpty }
    let text = String(
      decoding: parts.joined(separator: ":").utf8.map { Self.isValid($0) ? $0 : UInt8(ascii: "_") }.suffix(
        240),
      as: UTF8.self)
    for number in 1... {
      let candidate = number == 1 ? text : "\(text)#\(number)"
      guard let source = candidate.isEmpty ? RegistrySource.only : try? RegistrySource(candidate) else {
        break
      }
      if contents[source] == nil { return source }
    }
    return .only
  }

  private static func isValid(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "/")
  }
}
