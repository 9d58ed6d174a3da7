import ClusterModel
import Documents
import Inventories
import NIOCore
import Platform
import RegistryKit

/// What another Rollcall has said of its nodes, over all connections to it.
struct FederationState {
  private let session: RegistrySession
  private let name: String
  private let maximumBytes: Int
  private var view: UpdateView
  private var problems: ProblemReports
  private var events = EventStream()
  /// By the affiliate's id.
  private var records: [String: AffiliateRecord] = [:]
  /// How its member is, by the node's identity.
  private var states: [String: MemberState] = [:]
  /// Whether all that the other one knows has come; from then on each change counts by itself.
  private var isComplete = false
  /// What can't be read, by the id of what it is of.
  private var faults: [String: RegistryError] = [:]
  /// Whether this connection has said something.
  private(set) var hasWorked = false
  /// The revision up to which all was taken.
  private(set) var lastID: String?

  private struct MemberState: Hashable {
    let state: String
    let reason: String
  }

  init(_ session: RegistrySession, name: String, maximumBytes: Int) {
    self.session = session
    self.name = name
    self.maximumBytes = maximumBytes
    view = UpdateView(localNodeID: session.context.localNodeID)
    problems = ProblemReports(
      logger: session.logger,
      recoveries: [
        .reading: "\(name) can be read again", .content: "all of \(name) is good again",
        .credentials: "\(name) accepts the credentials again",
      ])
  }

  /// A connection begins.
  mutating func begin() {
    events = EventStream(id: lastID)
    hasWorked = false
  }

  mutating func take(_ bytes: ByteBuffer) throws {
    let complete: [ServerSentEvent]
    do { complete = try events.take(bytes.readableBytesView) } catch {
      throw HTTPFailure(.limitExceeded, "\(name): \(error)")
    }
    for event in complete {
      try take(event)
      // Only what was taken is behind us.
      lastID = event.id
    }
  }

  private mutating func take(_ event: ServerSentEvent) throws {
    let data = try document(event)
    var updates: [RegistryUpdate] = []
    switch event.name {
    case "ADDED", "MODIFIED":
      if let object = data["object"] { updates = set(object, type: data["type"]?.string ?? "") }
    case "DELETED":
      if let object = data["object"] {
        updates = delete(object, type: data["type"]?.string ?? "", reason: data["reason"]?.string ?? "")
      }
    case "RESET":
      // What was known before stays until all has come anew.
      (records, states, faults, isComplete) = ([:], [:], [:], false)
    case "SYNCED":
      if !isComplete {
        isComplete = true
        updates = view.take(UpdateLine(.snapshot(records.keys.sorted().compactMap(record))))
      }
      hasWorked = true
    default: break
    }
    guard isComplete else { return }
    var batch = RegistryBatch(updates: updates)
    let errors = faults.sorted { $0.key < $1.key }.map(\.value)
    batch.reports = [
      problems.report(.reading, []), problems.report(.credentials, []),
      problems.report(.content, errors + view.contentErrors),
    ].compactMap(\.self)
    if !batch.isEmpty { try session.apply(batch) }
  }

  private func document(_ event: ServerSentEvent) throws -> YAMLNode {
    guard !event.data.isEmpty else { return .mapping([]) }
    do throws(YAMLError) {
      let limits = YAMLLimits(size: maximumBytes, aliasedNodes: 0)
      return try YAML.parseJSON(event.data, file: name, limits: limits).documents.first ?? .mapping([])
    } catch {
      throw HTTPFailure(.failed, "an event of \(name) can't be read: \(error.message)")
    }
  }

  // MARK: Objects

  private mutating func set(_ object: YAMLNode, type: String) -> [RegistryUpdate] {
    guard let id = object["metadata"]?["id"]?.scalar?.text else { return [] }
    switch type {
    case "members":
      let nodeID = object["spec"]?["nodeId"]?.scalar?.text ?? ""
      let state = MemberState(
        state: object["status"]?["state"]?.scalar?.text ?? "",
        reason: object["status"]?["reason"]?.scalar?.text ?? "")
      guard states.updateValue(state, forKey: nodeID) != state else { return [] }
      return upsert(nodeID)
    case "affiliates":
      faults[id] = nil
      let inventory: Inventory
      do throws(YAMLError) {
        inventory = try Inventory.read(document: object, name: name)
      } catch {
        faults[id] = RegistryError(.invalidArgument, error.description)
        return []
      }
      if let problem = inventory.problems.kept.first {
        faults[id] = RegistryError(.invalidArgument, "\(name): \(problem.message)")
      }
      guard let record = inventory.nodes.values.first else { return [] }
      records[id] = record
      return upsert(id)
    default: return []
    }
  }

  private mutating func delete(_ object: YAMLNode, type: String, reason: String) -> [RegistryUpdate] {
    guard let id = object["metadata"]?["id"]?.scalar?.text else { return [] }
    switch type {
    case "members":
      let nodeID = object["spec"]?["nodeId"]?.scalar?.text ?? ""
      guard states.removeValue(forKey: nodeID) != nil else { return [] }
      return upsert(nodeID)
    case "affiliates":
      faults[id] = nil
      guard let record = records.removeValue(forKey: id), isComplete else { return [] }
      let reason = RemovalReason(rawValue: reason) ?? .removed
      return view.take(UpdateLine(.remove(record.affiliate.nodeID, reason: reason)))
    default: return []
    }
  }

  private mutating func upsert(_ id: String) -> [RegistryUpdate] {
    guard isComplete, let record = record(id) else { return [] }
    return view.take(UpdateLine(.upsert(record)))
  }

  /// What is known of a node, with how the other one found it.
  private func record(_ id: String) -> AffiliateRecord? {
    guard var record = records[id] else { return nil }
    switch states[id]?.state {
    case "notready": record.health = .notReady(word: states[id]?.reason ?? "")
    case "stale", "missing", "left": record.isStale = true
    default: break
    }
    return record
  }

  mutating func fail(_ failure: HTTPFailure) throws {
    let batch = RegistryBatch(reports: problems.reports(of: failure, name))
    if !batch.isEmpty { try session.apply(batch) }
  }
}
