import ClusterModel
import Glibc
import Logging
import Platform
public import RegistryKit

/// A registry of files: who is in the cluster is what a person, or a program, wrote there.
///
/// The files are watched, and read again when they change. What is wrong with a file is reported with its
/// place, and never loses what the file had before.
public struct StaticFileRegistry: RegistryPlugin {
  public typealias Options = StaticFileOptions

  public static var descriptor: RegistryDescriptor {
    RegistryDescriptor(
      name: "static-file", version: RollcallVersion.current, prefix: "file",
      summary: "Machines listed in files of many forms, which are watched for changes.",
      optionsSchema: StaticFileOptions.schema, matching: .inventory(alone: .member))
  }

  private let settings: StaticFileSettings
  private let base: String
  /// Tells the civil time, by which the ages of files count.
  var now: @Sendable () -> Timestamp
  /// Makes what watches folders.
  var makeWatch: @Sendable (_ onChange: @escaping @Sendable () -> Void) -> FolderWatch = {
    FolderWatch(onChange: $0)
  }
  /// How long a scan may take before that is reported.
  var slowAfter: Duration = .seconds(10)
  /// Called before each scan, where it may block.
  var beforeScan: @Sendable () -> Void = {}

  public init(options: StaticFileOptions, context: RegistryContext) throws {
    try self.init(options: options, context: context, now: Timestamp.now)
  }

  /// A registry that reads civil time from `now`.
  init(
    options: StaticFileOptions, context: RegistryContext, now: @escaping @Sendable () -> Timestamp
  ) throws {
    settings = try StaticFileSettings(options)
    self.now = now
    base = try Self.absolute(context.baseDirectory)
  }

  public func run(_ session: RegistrySession) async throws {
    let changes = ChangeSignal()
    let watch = makeWatch { changes.notify() }
    defer { watch.close() }
    try await follow(changes, watch, session)
  }

  /// Scans the files now, after each change and every `pollInterval`, and applies what differs.
  private func follow(
    _ changes: ChangeSignal, _ watch: FolderWatch, _ session: RegistrySession
  ) async throws {
    let time = TimeSource(session.clock)
    let queue = BlockingQueue("rollcall.static-file")
    let scanner = Scanner(paths: settings.paths, base: base, watch: watch, format: settings.format, now: now)
    var view = FileView(paths: settings.paths, pollInterval: settings.pollInterval, session: session)
    while true {
      let seen = changes.value
      let scan = try await scan(with: scanner, on: queue, clock: session.clock, for: &view)
      let pause = try view.apply(scan, at: time.elapsed) ?? settings.pollInterval
      await time.wait(for: min(pause, settings.pollInterval), or: changes, after: seen)
      // Writers take several steps: what is read after a short rest is more often whole.
      try await time.sleep(settings.debounce)
    }
  }

  /// Scans once; where that takes so long that a file system must be hanging, that is reported meanwhile.
  private func scan(
    with scanner: Scanner, on queue: BlockingQueue, clock: any Clock<Duration>, for view: inout FileView
  ) async throws -> Scan {
    let known = view.marks
    return try await withThrowingTaskGroup(of: Scan?.self) { group in
      group.addTask {
        try await queue.run { _ in
          beforeScan()
          return scanner.scan(known: known)
        }
      }
      group.addTask {
        try await clock.sleep(for: slowAfter)
        return nil
      }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let scan = result { return scan }
        try view.reportSlow(after: slowAfter)
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
}
