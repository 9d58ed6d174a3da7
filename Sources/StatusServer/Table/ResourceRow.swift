import ClusterResources
import Lifecycle
import NIOCore
import Synchronization

/// The lists that are kept, each with its own type of documents.
enum ListKind: String, CaseIterable, Hashable, Sendable {
  case members, affiliates, rawaffiliates, registries, conflicts, history
  case kubespanidentities, kubespanpeerspecs, kubespanpeerstatuses, kubespanendpoints

  /// Those that a mesh's reports say, not the aggregator.
  static let ofMesh: [ListKind] = [
    .kubespanidentities, .kubespanpeerspecs, .kubespanpeerstatuses, .kubespanendpoints,
  ]

  var index: Int {
    switch self {
    case .members: 0
    case .affiliates: 1
    case .rawaffiliates: 2
    case .registries: 3
    case .conflicts: 4
    case .history: 5
    case .kubespanidentities: 6
    case .kubespanpeerspecs: 7
    case .kubespanpeerstatuses: 8
    case .kubespanendpoints: 9
    }
  }

  /// The type of the documents; nil for entries of history, which aren't resources.
  var type: ResourceType? {
    switch self {
    case .members: .member
    case .affiliates, .rawaffiliates: .affiliate
    case .registries: .registry
    case .conflicts: .conflict
    case .kubespanidentities: .kubeSpanIdentity
    case .kubespanpeerspecs: .kubeSpanPeerSpec
    case .kubespanpeerstatuses: .kubeSpanPeerStatus
    case .kubespanendpoints: .kubeSpanEndpoint
    case .history: nil
    }
  }

  /// What a list's `kind` begins with.
  var kind: String { type?.kind ?? "History" }
}

/// What a row is called: its id, and where several have the same one, more.
struct RowKey: Hashable, Comparable, Sendable {
  let id: String
  /// Empty for what has the id by right; the node's identity for who merely claimed or had the nodename.
  var node = ""

  static func < (left: RowKey, right: RowKey) -> Bool {
    left.id != right.id ? left.id < right.id : left.node < right.node
  }
}

/// One document of one revision, never changed; or, where ``deletion`` is there, that it is gone.
final class ResourceRow: Sendable {
  /// Why a row is gone.
  struct Deletion: Hashable, Sendable {
    let reason: String?
  }

  let list: ListKind
  let key: RowKey
  let content: RowContent
  /// The revision that made it so.
  let revision: UInt64
  /// The place of that change among all.
  let sequence: UInt64
  /// The revision in which the key appeared.
  let firstRevision: UInt64
  /// What selectors saw before, and since which revision they did: enough for a reader who isn't far behind.
  let before: (content: RowContent.Selection, revision: UInt64)?
  let deletion: Deletion?

  init(
    list: ListKind, key: RowKey, content: RowContent, revision: UInt64, sequence: UInt64,
    firstRevision: UInt64, before: (content: RowContent.Selection, revision: UInt64)?,
    deletion: Deletion? = nil
  ) {
    self.list = list
    self.key = key
    self.content = content
    self.revision = revision
    self.sequence = sequence
    self.firstRevision = firstRevision
    self.before = before
    self.deletion = deletion
  }
}

/// What a row shows.
final class RowContent: Sendable {
  /// What selectors look at.
  struct Selection: Sendable {
    let fields: SelectableFields
    /// Whether it is only shown to who asks for all.
    let isExtra: Bool
  }

  let document: DocumentBytes
  let selection: Selection
  /// The sentence of a document in which there are ages; nil where the one in it stays true.
  private let message: AgingMessage?
  /// What was last made with that sentence, and for which second.
  private let aged = Mutex<(second: Int64, bytes: ByteBuffer)?>(nil)
  private let bytes: ByteBuffer
  /// The registry's or conflict's version and first appearance, which nobody else counts.
  let metadata: ResourceMetadata?

  init(
    _ document: ResourceValue, _ paths: [SelectableFields.Path], isExtra: Bool = false,
    message: AgingMessage? = nil, metadata: ResourceMetadata? = nil
  ) {
    self.document = DocumentBytes(document)
    bytes = ByteBuffer(bytes: self.document.bytes)
    selection = Selection(fields: SelectableFields(document, paths), isExtra: isExtra)
    self.message = message
    self.metadata = metadata
  }

  /// The document as it is to be shown at that moment.
  func bytes(at now: Moment) -> ByteBuffer {
    guard let message else { return bytes }
    let second = now.elapsed.components.seconds
    return aged.withLock { aged in
      if let aged, aged.second == second { return aged.bytes }
      let made = ByteBuffer(bytes: document.bytes(message: message.text(at: now)))
      aged = (second, made)
      return made
    }
  }

  /// Whether both show the same, the revision aside.
  func isShown(as other: RowContent, at now: Moment) -> Bool {
    selection.isExtra == other.selection.isExtra && document.hasContent(of: other.document)
      && message?.text(at: now) == other.message?.text(at: now)
  }
}

/// A sentence in which there are ages, so that it is another one each second.
enum AgingMessage: Sendable {
  case member(NodeStatus, replaced: [NodeStatus])
  case tombstone(Tombstone, sources: [SourcePresence])

  func text(at now: Moment) -> String {
    switch self {
    case .member(let status, let replaced): status.message(at: now, replaced: replaced)
    case .tombstone(let tombstone, let sources): tombstone.message(at: now, sources: sources)
    }
  }
}
