import ClusterModel
import ClusterResources
import Platform
import StatusClient

/// What `get` was asked for.
struct GetRequest: Sendable {
  let type: ResourceType
  let namespace: String
  /// The ids of those that are shown; none for all.
  let ids: [String]
  let format: OutputFormat
  var isAll = false
  var labelSelector: String?
  var fieldSelector: String?
  /// The states of members that are shown; none for all.
  var states: Set<String> = []
  var order: ResourceOrder?
  var hasHeader = true
  var export = ExportOptions()
  var timeout = Duration.seconds(10)
  /// Whether it is well that registries are missing in what is printed.
  var isPartAllowed = false

  /// The states that members have, as far as this version knows.
  static let states = ["ready", "notready", "stale", "missing", "left"]

  /// The type and the ids that `words` name: `members w-1 w-2`, `member/w-1`, `member/w-1 member/w-2`.
  ///
  /// - Throws: ``ResourceError`` where the type isn't known, or several are meant.
  static func subject(_ words: [String]) throws(ResourceError) -> (type: ResourceType, ids: [String]) {
    guard let first = words.first else {
      throw ResourceError(
        "the type is missing: write one of \(ResourceType.all.map(\.plural).joined(separator: ", "))")
    }
    guard first.contains("/") else {
      let type = try ResourceType.named(first)
      return (type, words.dropFirst().map { type.id(named: $0) })
    }
    var type: ResourceType?
    var ids: [String] = []
    for word in words {
      let halves = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !halves[1].isEmpty else {
        throw ResourceError("'\(word)' isn't TYPE/ID, such as member/w-1: write each of them so, or none")
      }
      let next = try ResourceType.named(String(halves[0]))
      guard type == nil || type == next else {
        throw ResourceError("'\(word)' is of another type than '\(first)': show one type at a time")
      }
      type = next
      ids.append(String(halves[1]))
    }
    return (type ?? .member, ids)
  }

  /// Whether what is shown is what registries say, so that a missing one makes it a part.
  var isOfRegistries: Bool {
    type != .registry && type != .identity && !ResourceType.kubeSpan.contains(type)
  }

  /// Whether the namespace is that of what each registry says.
  var isRaw: Bool { namespace == "cluster-raw" }

  /// The fields of a list's documents that what is printed has no use for; most of a member is where it is from.
  var unneeded: Set<String> {
    switch format {
    case .table, .name: type == .member && order == nil ? ["sources", "labels"] : []
    default: []
    }
  }

  /// Whether `document` is shown, as far as the request itself says.
  func includes(_ document: ResourceValue) -> Bool {
    if type == .conflict, !isAll, ids.isEmpty, document.at("spec", "severity")?.text == "info" {
      return false
    }
    guard !states.isEmpty else { return true }
    return document.at("status", "state")?.text.map(states.contains) ?? false
  }

  /// What is printed of `documents`, of the node called `node`.
  func rows(_ documents: [ResourceValue], node: String) throws(ResourceError) -> [PrintedResource] {
    let rows = documents.filter(includes).map { PrintedResource($0.named(node)) }
    guard let order else { return rows }
    return try order.sorted(rows)
  }

  /// A printer of what was asked for.
  func printer(watching: Bool = false, revision: String? = nil) -> any ResourcePrinter {
    format.printer(
      of: type, watching: watching, hasHeader: hasHeader, export: export, revision: revision)
  }
}

extension ResourceType {
  /// The id that `text` means: other verbs and `-o name` put the kind before it.
  func id(named text: String) -> String {
    let prefix = kind.lowercased() + "/"
    return text.hasPrefix(prefix) && text.utf8.count > prefix.utf8.count
      ? String(text.dropFirst(prefix.count)) : text
  }
}

extension ResourceValue {
  /// The document with what the node that knows it is called, as existing clusters have it.
  func named(_ node: String) -> ResourceValue {
    guard case .fields(let fields) = self, self["node"] == nil else { return self }
    return .fields([Field("node", .text(node))] + fields)
  }
}
