import ClusterModel
import Inventories
import RegistryKit

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
    let all = files.order.map { ($0, files.nodes(of: $0) ?? InventoryRecords()) }
    let count = all.reduce(0) { $0 + max(1, $1.1.byOrigin.count) }
    guard count > 0 else { return ([.only: [:]], []) }
    return count <= RegistrySource.maximumCount ? (separate(all), []) : Self.pooled(all)
  }

  private func separate(_ files: [(shown: String, nodes: InventoryRecords)]) -> SourceContents {
    var contents: SourceContents = [:]
    for file in files {
      let name = isSingle ? "" : fileName(file.shown)
      // A file without nodes has a source all the same: it is known to be empty.
      let origins = file.nodes.byOrigin.isEmpty ? [""] : file.nodes.byOrigin.keys.sorted()
      for origin in origins {
        contents[unused(name, origin, in: contents)] = file.nodes.byOrigin[origin] ?? [:]
      }
    }
    return contents
  }

  private static func pooled(
    _ files: [(shown: String, nodes: InventoryRecords)]
  ) -> (contents: SourceContents, repetitions: [RegistryError]) {
    var records: [NodeIdentity: AffiliateRecord] = [:]
    var firstFile: [NodeIdentity: String] = [:]
    var repetitions: [String] = []
    for file in files {
      for (_, nodes) in file.nodes.byOrigin.sorted(by: { $0.key < $1.key }) {
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
