import Platform
import Synchronization

/// Keeps all outputs current: `outputs:` of the configuration.
public final class OutputService: Sendable {
  private let context: OutputContext
  private let keepers: Mutex<[OutputKeeper]>
  private let changed = ChangeSignal()

  /// A service for these outputs.
  public init(_ outputs: [OutputDefinition], _ context: OutputContext) {
    self.context = context
    keepers = Mutex(outputs.map { OutputKeeper($0, context) })
  }

  /// How the outputs are, in their order.
  public var statuses: [OutputStatus] { keepers.withLock { $0 }.map(\.status) }

  /// Takes on `outputs` in place of those before. Those that are the same go on: what is held stays held.
  public func reload(_ outputs: [OutputDefinition]) {
    let gone = keepers.withLock { keepers in
      var rest = keepers
      keepers = outputs.map { output in
        guard let index = rest.firstIndex(where: { $0.definition == output }) else {
          return OutputKeeper(output, context)
        }
        return rest.remove(at: index)
      }
      return rest
    }
    let names = Set(outputs.map(\.name))
    for keeper in gone {
      keeper.stop()
      if !names.contains(keeper.definition.name) { context.metrics.removeOutput(keeper.definition.name) }
    }
    changed.notify()
  }

  /// Follows `worlds`, each output for itself, until the task is cancelled. Commands that run then are made to end.
  public func run<Worlds: AsyncSequence & Sendable>(_ worlds: Worlds) async
  where Worlds.Element == OutputWorld, Worlds.Failure == Never {
    await withDiscardingTaskGroup { group in
      var running: Set<ObjectIdentifier> = []
      while !Task.isCancelled {
        let seen = changed.value
        let keepers = keepers.withLock { $0 }
        for keeper in keepers where !running.contains(ObjectIdentifier(keeper)) {
          group.addTask { await keeper.run(worlds) }
        }
        running = Set(keepers.map { ObjectIdentifier($0) })
        await changed.wait(after: seen)
      }
      group.cancelAll()
    }
  }
}
