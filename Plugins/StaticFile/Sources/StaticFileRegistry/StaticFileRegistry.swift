public import ClusterModel
import Glibc
import Logging
public import RegistryKit

import func Platform.errnoText

/// A registry whose word is in files: who is in the cluster is what a person, or a program, wrote there.
///
/// The files are watched, and read again when they change. What is wrong with a file is told with its place
/// and never loses what the file said before.
public struct StaticFileRegistry: RegistryPlugin {
  public typealias Options = StaticFileOptions

  public static var descriptor: RegistryDescriptor {
    RegistryDescriptor(
      name: "static-file", version: "1.0.0", prefix: "file",
      summary: "Nodes listed in YAML or JSON files, which are watched for changes.",
      optionsSchema: StaticFileOptions.schema)
  }

  private let settings: Settings
  private let context: RegistryContext
  private let base: String
  private let clock: any Clock<Duration>
  private let now: @Sendable () -> Timestamp
  /// Makes what hears of changes.
  var makeWatch: @Sendable (_ onChange: @escaping @Sendable () -> Void) -> FolderWatch = {
    FolderWatch(onChange: $0)
  }

  /// How long a look may take before people are told.
  var slowAfter: Duration = .seconds(10)
  /// Called before each look, where it may block.
  var beforeLook: @Sendable () -> Void = {}

  public init(options: StaticFileOptions, context: RegistryContext) throws {
    try self.init(options: options, context: context, clock: ContinuousClock(), now: Self.systemTime)
  }

  /// A registry that waits by `clock`, and reads civil time from `now`.
  public init(
    options: StaticFileOptions, context: RegistryContext, clock: any Clock<Duration>,
    now: @escaping @Sendable () -> Timestamp
  ) throws {
    settings = try Settings(options)
    self.context = context
    self.clock = clock
    self.now = now
    base = try Self.absolute(context.baseDirectory)
  }

  public func run(updates: RegistryUpdates) async throws {
    let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let watch = makeWatch { continuation.yield() }
    defer { watch.close() }
    let scanner = Scanner(paths: settings.paths, base: base, watch: watch, now: now)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while true {
          try await clock.sleep(for: settings.pollInterval)
          continuation.yield()
        }
      }
      defer { group.cancelAll() }
      try await follow(signals, with: scanner, updates: updates)
    }
  }

  /// Looks at the files now and after each signal, and tells what changed.
  private func follow(
    _ signals: AsyncStream<Void>, with scanner: Scanner, updates: RegistryUpdates
  ) async throws {
    let queue = BlockingQueue("rollcall.static-file")
    let plan = SourcePlan(settings.paths)
    var files = KnownFiles(localNodeID: context.localNodeID)
    var revision: Int?
    var told: SourceContents = [:]
    var planTroubles: [Trouble] = []
    var report = TroubleReport()
    var signal = signals.makeAsyncIterator()
    while true {
      let (scan, wasSlow) = try await look(with: scanner, known: files.marks, on: queue, updates: updates)
      if wasSlow { report.statusWasReplaced() }
      let lookAgain = files.take(scan)
      let isFirst = revision == nil
      var changes: [RegistryUpdate] = []
      if files.revision != revision {
        let (contents, troubles) = plan.contents(of: files)
        changes = SourceChanges.from(told, to: contents)
        (told, planTroubles, revision) = (contents, troubles, files.revision)
      }
      report.note(gap: scan.gap, pollInterval: settings.pollInterval, logger: context.logger)
      report.note(files.allNotes, logger: context.logger)
      let status = report.update(files.allTroubles + planTroubles, logger: context.logger)
      let events = isFirst ? FirstWord.events(changes, status) : changes.map { .update($0) } + [status]
      for case let event? in events { try updates.send(event) }
      if !lookAgain { _ = await signal.next(isolation: #isolation) }
      // Writers take several steps: what is read after a short rest is more often whole.
      try await clock.sleep(for: settings.debounce)
    }
  }

  /// Looks once, and tells when that takes so long that a file system must be hanging.
  private func look(
    with scanner: Scanner, known: [String: FileMark], on queue: BlockingQueue, updates: RegistryUpdates
  ) async throws -> (scan: Scan, wasSlow: Bool) {
    try await withThrowingTaskGroup(of: Scan?.self) { group in
      group.addTask {
        try await queue.run { _ in
          beforeLook()
          return scanner.scan(known: known)
        }
      }
      group.addTask {
        try await clock.sleep(for: slowAfter)
        return nil
      }
      defer { group.cancelAll() }
      var wasSlow = false
      while let result = try await group.next() {
        if let scan = result { return (scan, wasSlow) }
        wasSlow = true
        let trouble = Trouble(
          .unavailable, "the files haven't been read for \(slowAfter): a file system doesn't answer")
        context.logger.warning("\(trouble.message)")
        try updates.degraded(RegistryError(trouble.code, trouble.message))
      }
      throw CancellationError()
    }
  }

  private static func absolute(_ path: String) throws(RegistryError) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else {
      throw RegistryError(.failed, "the working folder isn't known: \(errnoText(errno))")
    }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  private static func systemTime() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
