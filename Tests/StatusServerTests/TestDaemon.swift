import ClusterModel
import Foundation
import Logging
import Platform
import RegistryKit
import Rollcall
import TestSupport

@testable import StatusServer

let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

/// A daemon with two registries, `service` with leases and `inventory` without, and its API on a socket.
struct TestDaemon: Sendable {
  let folder: TemporaryFolder
  let service: DrivenRegistry
  let inventory: DrivenRegistry
  let aggregator: Aggregator
  let server: StatusServer

  var socket: String { folder.path("rollcall.sock") }

  /// Runs one for as long as `body` takes.
  ///
  /// - Parameters:
  ///   - knowing: what `service` knows from the start; nil: it isn't in sync.
  ///   - clock: what watches measure with.
  static func run(
    knowing records: [AffiliateRecord]? = [], clock: ManualClock? = nil, deletionLimit: Int = 4096,
    _ change: (inout StatusServerOptions, TemporaryFolder) async throws -> Void = { _, _ in },
    _ body: (TestDaemon) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    let service = records.map { DrivenRegistry(snapshot($0)) } ?? DrivenRegistry()
    let inventory = DrivenRegistry(snapshot([]))
    var leases = RegistryDefinition(
      name: "service", retention: RetentionPolicy(missingGrace: .seconds(300)), registry: service)
    leases.leases = true
    let aggregator = try Aggregator(
      registries: [leases, RegistryDefinition(name: "inventory", registry: inventory)], logger: quiet)
    var options = StatusServerOptions(
      nodeLabel: "observer", socket: .path(folder.path("rollcall.sock")))
    try await change(&options, folder)
    let server = StatusServer(
      aggregator, options: options, logger: quiet, time: clock.map { TimeSource($0) } ?? TimeSource(),
      table: ResourceTable(epoch: options.epoch, deletionLimit: deletionLimit),
      pace: clock == nil ? TableFollower.pace : .zero)
    let daemon = TestDaemon(
      folder: folder, service: service, inventory: inventory, aggregator: aggregator, server: server)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      group.addTask { try await server.run() }
      await server.waitUntilListening()
      try await eventually("both registries run") { service.isRunning && inventory.isRunning }
      if records != nil {
        try await aggregator.waitUntilSynced(timeout: .seconds(60))
        try await daemon.settle()
      }
      try await body(daemon)
      group.cancelAll()
      while let result = await group.nextResult() {
        if case .failure(let error) = result, !(error is CancellationError) { throw error }
      }
    }
  }

  /// Waits until the API shows what the aggregator has taken.
  func settle() async throws {
    let revision = aggregator.snapshot().revision
    try await eventually("the API has revision \(revision)") { server.followed >= revision }
  }

  // MARK: Asking

  /// An answer.
  struct Answer: Sendable {
    let status: Int
    let fields: [String: String]
    let body: String

    /// The body as JSON.
    var json: [String: Any] {
      get throws {
        try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] ?? [:]
      }
    }

    /// The ids of a list.
    var ids: [String] {
      get throws {
        (try json["items"] as? [[String: Any]] ?? []).map {
          ($0["metadata"] as? [String: Any])?["id"] as? String ?? $0["id"] as? String ?? ""
        }
      }
    }

    /// What is at a path of names and indexes, as text.
    func text(_ path: Any...) throws -> String? {
      var value: Any? = try json
      for step in path {
        if let name = step as? String { value = (value as? [String: Any])?[name] }
        if let index = step as? Int, let list = value as? [Any] {
          value = index < list.count ? list[index] : nil
        }
      }
      return value.map { "\($0)" }
    }
  }

  /// Asks with curl over the socket.
  func get(_ path: String, _ arguments: String...) async throws -> Answer {
    try await Self.curl(["--unix-socket", socket] + arguments + ["http://rollcall\(path)"])
  }

  /// Asks with curl.
  static func curl(_ arguments: [String]) async throws -> Answer {
    let result = try await ChildProcess.run("curl", ["-s", "-i", "--max-time", "20"] + arguments)
    guard result.status == 0 else {
      throw NotInTime(description: "curl \(arguments): \(result)")
    }
    let lines = result.output.components(separatedBy: "\r\n")
    let end = lines.firstIndex(of: "") ?? lines.count
    var fields: [String: String] = [:]
    for line in lines[..<end].dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description }
    }
    let status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
    return Answer(
      status: status, fields: fields,
      body: lines.dropFirst(end + 1).joined(separator: "\r\n"))
  }

  /// Watches with curl, whose output grows.
  func watch(_ path: String, _ arguments: String...) throws -> WatchProbe {
    WatchProbe(
      try ChildProcess("curl", ["-sN", "--unix-socket", socket] + arguments + ["http://rollcall\(path)"]))
  }
}

/// What a watcher has been given so far.
struct WatchProbe: Sendable {
  let process: ChildProcess

  init(_ process: ChildProcess) { self.process = process }

  struct Event: Hashable, Sendable {
    var id = ""
    var name = ""
    var data = ""

    /// `ADDED members a`, with a reason where there is one.
    var brief: String {
      let json = (try? JSONSerialization.jsonObject(with: Data(data.utf8))) as? [String: Any] ?? [:]
      let object = json["object"] as? [String: Any]
      let id = (object?["metadata"] as? [String: Any])?["id"] as? String ?? object?["id"] as? String
      return [name, json["type"] as? String, id, json["reason"] as? String].compactMap { $0 }
        .joined(separator: " ")
    }
  }

  /// The whole events so far.
  var events: [Event] {
    process.outputSoFar.components(separatedBy: "\n\n").dropLast().compactMap { block in
      var event = Event()
      for line in block.split(separator: "\n") {
        if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
        if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
        if line.hasPrefix("data: ") { event.data = String(line.dropFirst(6)) }
      }
      return event.name.isEmpty ? nil : event
    }
  }

  var briefs: [String] { events.map(\.brief) }

  /// Waits until it has been given these, at the end of what it was given so far.
  func saw(_ briefs: String...) async throws {
    do {
      try await eventually("\(briefs)") { Array(self.briefs.suffix(briefs.count)) == briefs }
    } catch {
      throw NotInTime(description: "\(error); seen: \(self.briefs)")
    }
  }

  func stop() { process.signal(SIGTERM) }
}

func record(
  _ id: String, nodename: String? = nil, address: String? = nil, hostname: String? = nil,
  type: MachineType = .worker, labels: [String: String] = [:], health: NodeHealth? = nil
) throws -> AffiliateRecord {
  var affiliate = Affiliate(
    nodeID: try NodeIdentity(id), addresses: try address.map { [try IPAddress($0)] } ?? [],
    hostname: hostname ?? nodename ?? id, nodename: nodename ?? id)
  affiliate.machineType = type
  var record = AffiliateRecord(affiliate)
  record.labels = try NodeLabels(labels)
  record.health = health
  return record
}

func snapshot(_ records: [AffiliateRecord]) -> RegistryBatch {
  RegistryBatch(
    updates: [.snapshot(records, source: .only, absent: nil)], reports: [HealthReport(.reading, nil)])
}
