import ClusterModel
import Documents
import Inventories
import Platform
public import RegistryKit
import RegistryProtocol

/// A registry that is a program: a script, or anything that prints.
///
/// It is run once each interval and prints all that it knows, or runs for good and prints a line for each change, as
/// Docs/Registry-protocol.md has it. Whatever becomes of it, what it said last stays.
public struct ExecRegistry: RegistryPlugin {
  public typealias Options = ExecOptions

  public static var descriptor: RegistryDescriptor {
    RegistryDescriptor(
      name: "exec", version: RollcallVersion.current,
      summary: "Nodes that a program prints: run from time to time, or for good.",
      optionsSchema: ExecOptions.schema, publishes: true, matching: .inventory(alone: .affiliate))
  }

  private let settings: ExecSettings
  private let context: RegistryContext
  /// How long the program may fail until the run does.
  var patience = Duration.seconds(60)
  /// How long to wait before a program that ended is started again.
  var backoff = Backoff()
  /// A share of the interval by which it may be shorter.
  var jitter = 0.1

  public init(options: ExecOptions, context: RegistryContext) throws {
    settings = try ExecSettings(options, context: context)
    self.context = context
  }

  public func run(_ session: RegistrySession) async throws {
    if settings.options.stream {
      try await streaming.run(session)
    } else {
      try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await polled.run(session) }
        group.addTask { await Self.refusePublications(session) }
        while try await group.next() != nil {}
      }
    }
  }

  /// A program that is run now and then publishes nothing.
  private static func refusePublications(_ session: RegistrySession) async {
    for await desired in session.desired {
      session.published(
        desired.revision,
        RegistryError(.unsupported, "a program without `stream: true` publishes nothing"))
    }
  }

  private var streaming: ProgramRegistry {
    var registry = ProgramRegistry(
      settings.program, name: "the program", settings: programSettings)
    registry.startLimit = settings.options.timeout
    registry.grace = settings.options.grace
    registry.patience = patience
    registry.backoff = backoff
    registry.errorLevel = settings.level
    return registry
  }

  private var polled: PolledProgram {
    var registry = PolledProgram(settings.program, name: "the program", settings: programSettings)
    registry.interval = settings.options.interval
    registry.jitter = jitter
    registry.timeout = settings.options.timeout
    registry.grace = settings.options.grace
    registry.maximumOutput = settings.options.maxOutput
    registry.patience = patience
    registry.errorLevel = settings.level
    let format = settings.options.format
    registry.takesLines = format == .auto
    registry.readOther = { (output) throws(RegistryError) in try Self.document(output, format: format) }
    return registry
  }

  /// The document that `output` is, in one of the forms of static files.
  private static func document(
    _ output: [UInt8], format: InventoryFormat
  ) throws(RegistryError) -> ProgramDocument {
    let inventory: Inventory
    do throws(YAMLError) {
      inventory = try Inventory.read(output, name: "output", format: format)
    } catch {
      throw RegistryError(.invalidArgument, error.description, cause: error)
    }
    guard inventory.listsNodes else {
      throw RegistryError(
        .invalidArgument,
        inventory.problems.kept.first.map(\.description)
          ?? "what it printed says nothing of nodes; to say that there are none, print {\"snapshot\":[]}")
    }
    var document = ProgramDocument(records: [])
    for (key, record) in inventory.nodes {
      let source = (try? RegistrySource(key.origin)) ?? .only
      document.records[source, default: []].append(record)
    }
    document.problems = inventory.problems.kept.map(\.description)
    document.hidesNodes = inventory.hidesNodes
    return document
  }

  private var programSettings: ProgramSettings {
    var settings = ProgramSettings(
      context, options: self.settings.options.programOptions, stopTimeout: self.settings.options.grace)
    // A program of a person's own never gets the cluster's secret.
    settings.clusterSecret = nil
    return settings
  }
}
