import ClusterModel
import RegistryKit

/// Which source has which records.
typealias SourceContents = [RegistrySource: [NodeIdentity: AffiliateRecord]]

/// Decides under which source each file's nodes are told.
///
/// A registry of one plain path has one source. Otherwise every file has its own, named after it, so that
/// files that disagree show as such; and where there are more files than sources, all are told as one and a
/// node's first file counts. What a file repeats of others (raw documents, `k8s/…`) has a source of its own.
struct SourcePlan: Sendable {
  /// One fewer than a registry may have: the one that is left lets all files move to one source, or back,
  /// without a moment in which a node isn't told of.
  static let maximumSources = RegistrySource.maximumCount - 1

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

  /// The contents of all sources, and what has to be said of it. Never empty.
  func contents(of files: KnownFiles) -> (contents: SourceContents, troubles: [Trouble]) {
    let count = files.files.values.reduce(0) { $0 + max(1, $1.nodes.count) }
    guard count > 0 else { return ([.only: [:]], []) }
    return count <= Self.maximumSources ? (separate(files), []) : pooled(files)
  }

  private func separate(_ files: KnownFiles) -> SourceContents {
    var contents: SourceContents = [:]
    for shown in files.order {
      guard let file = files.files[shown] else { continue }
      let name = isSingle ? "" : fileName(shown)
      // A file that says nothing yet has a source all the same: it is known to be empty.
      let origins = file.nodes.isEmpty ? [""] : file.nodes.keys.sorted()
      for origin in origins {
        contents[unused(name, origin, in: contents)] = file.nodes[origin] ?? [:]
      }
    }
    return contents
  }

  private func pooled(_ files: KnownFiles) -> (contents: SourceContents, troubles: [Trouble]) {
    var records: [NodeIdentity: AffiliateRecord] = [:]
    var firstFile: [NodeIdentity: String] = [:]
    var troubles: [Trouble] = []
    for shown in files.order {
      for (_, nodes) in files.files[shown]?.nodes.sorted(by: { $0.key < $1.key }) ?? [] {
        for (id, record) in nodes {
          guard let first = firstFile[id] else {
            firstFile[id] = shown
            records[id] = record
            continue
          }
          troubles.append(
            Trouble(
              .invalidArgument, "\(shown): node \(quoted(id.text)) is in '\(first)' already, which is kept"))
        }
      }
    }
    troubles.sort { $0.message < $1.message }
    let more = troubles.count - Limits.troubles
    guard more > 0 else { return ([.only: records], troubles) }
    let rest = Trouble(.invalidArgument, "\(more) more nodes that are in several files")
    return ([.only: records], troubles.prefix(Limits.troubles) + [rest])
  }

  private func fileName(_ shown: String) -> String {
    shown.hasPrefix(folder) ? String(shown.dropFirst(folder.count)) : shown
  }

  /// A source for `origin`'s word in the file `name` that isn't in `contents` yet.
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
