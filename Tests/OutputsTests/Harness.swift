import ClusterModel
import ClusterResources
import Foundation
import Logging
import Outputs
import RollcallMetrics
import TestSupport
import Testing

/// One output of a service that runs, in a folder of its own, with a clock that stands still.
final class OutputHarness: Sendable {
  let folder: TemporaryFolder
  let clock = ManualClock()
  let logs = LogRecorder()
  let metrics = DaemonMetrics()
  let service: OutputService
  private let worlds: AsyncStream<OutputWorld>.Continuation
  private let task: Task<Void, Never>

  /// - Parameter change: makes of a hosts file `nodes` what the test needs; gets the folder's path.
  init(folder: TemporaryFolder? = nil, _ change: (inout OutputDefinition, String) -> Void = { _, _ in })
    throws
  {
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    var definition = OutputDefinition(name: "nodes", format: .hosts, path: folder.path("nodes"))
    change(&definition, folder.path)
    let (stream, worlds) = AsyncStream<OutputWorld>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.worlds = worlds
    let service = OutputService(
      [definition],
      OutputContext(
        logger: logs.logger, metrics: metrics, clock: clock,
        now: { Timestamp(milliseconds: 1_795_403_330_000) },
        random: { 0.5 }))
    self.service = service
    task = Task { await service.run(stream) }
  }

  deinit { task.cancel() }

  var status: OutputStatus { service.statuses[0] }
  var path: String { status.path }

  /// The file's lines without the header; nil where there is none.
  var lines: [String]? {
    (try? String(contentsOfFile: path, encoding: .utf8)).map {
      $0.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }
  }

  /// The cluster is these members.
  func show(_ names: [String], isKnown: Bool = true) {
    let rows = names.enumerated().map { index, name in
      ExportedMember(
        id: name, addresses: [IPAddress(v4: 0x0A00_0000 + UInt32(index))],
        labels: (try? NodeLabels(["rack": "r\(index % 2)"])) ?? NodeLabels())
    }
    worlds.yield(OutputWorld(isKnown: isKnown, revision: "e.1") { rows })
  }

  /// The cluster is so many members.
  func show(_ count: Int, isKnown: Bool = true) { show((0..<count).map { "n-\($0)" }, isKnown: isKnown) }

  /// Lets time go on by `duration` as soon as something waits for just that long.
  func pass(_ duration: Duration) async throws {
    try await eventually("something waits for \(duration): \(clock.pending)") {
      clock.pending.contains(duration)
    }
    clock.advance(by: duration)
  }

  func written(_ count: Int) async throws {
    try await eventually("\(count) lines: \(lines ?? []), \(status)") {
      lines?.count == count && status.held == nil
    }
  }

  func held(_ reason: String) async throws {
    try await eventually("held as \(reason): \(status)") { status.held == reason }
  }

  /// Ends it, and waits for that.
  func stop() async {
    task.cancel()
    await task.value
  }
}

/// The command that runs a script in `folder`. By its interpreter: a program that was just written may still be open
/// for writing in a child that another test is about to start, and can't be run then.
func script(_ text: String, in folder: TemporaryFolder) throws -> [String] {
  ["sh", try folder.write(text + "\n", to: "script")]
}

func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
