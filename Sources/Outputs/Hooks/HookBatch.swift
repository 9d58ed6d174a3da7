import ClusterModel
import ClusterResources
import Lifecycle
import Rollcall

/// What a hook is told at once: each thing that changed in one line, from how it was to how it is. A pure function of
/// the history.
struct HookBatch {
  /// The most lines of one.
  static let maximumLines = 1000

  /// One thing that changed.
  struct Line {
    /// Its last entry.
    var entry: HistoryEntry
    /// How it was before the first one.
    var from: String?
    /// Whether it flaps from now on: the hook is told next how it settles.
    var isFlapping: Bool
  }

  private struct Key: Hashable {
    let kind: HistoryEntry.Kind
    let id: String
    let node: NodeIdentity?
  }

  private(set) var lines: [Line] = []
  /// The number of the last entry that is in it, or left out on purpose.
  private(set) var last: UInt64

  /// - Parameters:
  ///   - entries: what happened after `number`, in order.
  ///   - settled: members that don't flap any more.
  init(_ entries: [HistoryEntry], after number: UInt64, settled: [Line], for hook: HookDefinition) {
    last = number
    var lines: [Key: Line] = [:]
    var order: [Key] = []
    for entry in entries {
      // That a tombstone came says nothing of how the member is.
      let isState = entry.kind != .member || NodeState(rawValue: entry.to) != nil
      // That a registry was heard for the first time is the start's news, each time.
      let isStart =
        entry.kind == .registry && entry.from == RegistryStatus.State.starting.rawValue
        && entry.to == RegistryStatus.State.synced.rawValue
      if hook.kinds.contains(entry.kind), isState, !isStart {
        let key = Key(kind: entry.kind, id: entry.id, node: entry.nodeID)
        if var line = lines[key] {
          line.entry = entry
          line.isFlapping = line.isFlapping || entry.isFlapping
          lines[key] = line
        } else {
          guard order.count + settled.count < Self.maximumLines else { break }
          lines[key] = Line(entry: entry, from: entry.from, isFlapping: entry.isFlapping)
          order.append(key)
        }
      }
      last = entry.number
    }
    let changed = order.compactMap { lines[$0] }.filter { line in
      line.isFlapping || line.from != line.entry.to && Self.isWanted(line, hook)
    }
    self.lines = (changed + settled.prefix(Self.maximumLines).filter { Self.isWanted($0, hook) })
      .sorted { $0.entry.number < $1.entry.number }
  }

  private static func isWanted(_ line: Line, _ hook: HookDefinition) -> Bool {
    guard line.entry.kind == .member, let states = hook.states else { return true }
    return NodeState(rawValue: line.entry.to).map(states.contains) ?? false
  }

  /// The lines as JSON, each ended.
  func text(_ source: HookSource) -> String {
    var text = ""
    for line in lines {
      let entry = line.entry
      var fields: [ResourceValue.Field] = [
        .init("resourceVersion", .text(source.revision(entry.revision))), .init("time", .time(entry.time)),
        .init("type", .text(entry.kind.rawValue)), .init("id", .text(entry.id)),
        .init("nodeId", entry.nodeID.map { .text($0.text) } ?? .null),
        .init("from", line.from.map { .text($0) } ?? .null), .init("to", .text(entry.to)),
        .init("reason", .text(entry.reason)),
      ]
      if line.isFlapping { fields.append(.init("flapping", .bool(true))) }
      fields.append(.init("object", source.object(entry) ?? .null))
      text += JSONText.compact(.fields(fields)) + "\n"
    }
    return text
  }
}
