import ClusterModel
import Inventories
import Platform
import RegistryKit

/// What the session has been given of a list that is read again and again. Each reading becomes one batch, of what
/// differs; what fails changes nothing but the reports.
struct ListView {
  private let session: RegistrySession
  /// How messages call the list.
  private let name: String
  private var records = InventoryRecords()
  private var contents: SourceContents = [:]
  private var problems: ProblemReports

  init(_ session: RegistrySession, name: String) {
    self.session = session
    self.name = name
    problems = ProblemReports(
      logger: session.logger,
      recoveries: [
        .reading: "\(name) can be read again", .content: "all of \(name) is good again",
        .credentials: "\(name) accepts the credentials again",
      ])
  }

  /// Whether a list has been given.
  var isSynced: Bool { !contents.isEmpty }

  /// Takes in a list.
  ///
  /// - Throws: the session's refusal. Untyped, as a typed error in an async loop crashes Swift 6.3's optimizer.
  mutating func take(_ inventory: Inventory) throws {
    var errors = inventory.errors
    if inventory.isSilent {
      errors.append(
        RegistryError(
          .invalidArgument, "\(name) lists no nodes, not even none\(kept). `[]` says that there are none"))
    }
    let new = records.following(inventory, without: session.context.localNodeID, confirmedAt: nil)
    var batch = RegistryBatch()
    if new.count > InventoryLimits.nodes {
      errors.append(
        RegistryError(
          .limitExceeded,
          "with what is still kept of \(name) there are more than \(InventoryLimits.nodes) nodes"))
    } else if isSynced || inventory.listsNodes && !(inventory.hidesNodes && inventory.nodes.isEmpty) {
      let after = Self.contents(of: new, &errors)
      batch.updates = contents.updates(to: after)
      (records, contents) = (new, after)
    }
    batch.reports = [
      problems.report(.reading, []), problems.report(.credentials, []), problems.report(.content, errors),
    ].compactMap(\.self)
    problems.log(notes: inventory.notes.kept.map(\.description))
    if !batch.isEmpty { try session.apply(batch) }
  }

  /// Whether a list was taken in.
  var isKnown: Bool { !contents.isEmpty }

  /// Takes in that the list is what it was.
  mutating func unchanged() throws {
    try report([problems.report(.reading, []), problems.report(.credentials, [])])
  }

  /// Takes in that the list can't be had.
  mutating func fail(_ failure: HTTPFailure) throws {
    try report(problems.reports(of: failure, name))
  }

  /// Takes in that what was had isn't a list.
  mutating func refuse(_ error: RegistryError) throws {
    try report([
      problems.report(.reading, []), problems.report(.credentials, []),
      problems.report(.content, [RegistryError(error.code, error.message + kept)]),
    ])
  }

  private var kept: String { records.count > 0 ? "; what was read before stays" : "" }

  private func report(_ reports: [HealthReport?]) throws {
    let batch = RegistryBatch(reports: reports.compactMap(\.self))
    if !batch.isEmpty { try session.apply(batch) }
  }

  /// The list's own nodes are of the one source, what it repeats of others (`k8s/…`) is of one each.
  private static func contents(of records: InventoryRecords, _ errors: inout [RegistryError])
    -> SourceContents
  {
    var contents: SourceContents = [.only: records.byOrigin[""] ?? [:]]
    for (origin, nodes) in records.byOrigin.sorted(by: { $0.key < $1.key }) where !origin.isEmpty {
      guard contents.count < RegistrySource.maximumCount,
        let source = try? RegistrySource(origin.replacing("/", with: "_"))
      else {
        errors.append(RegistryError(.limitExceeded, "the raw ids of \(quoted(origin)) are left out"))
        continue
      }
      contents[source, default: [:]].merge(nodes) { first, _ in first }
    }
    return contents
  }
}
