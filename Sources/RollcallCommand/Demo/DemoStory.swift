import ClusterModel
import Lifecycle
import Platform
import Rollcall
import Synchronization

/// What happens in the demo's cluster, over and over: machines come, go, move and lose power, and registries disagree.
///
/// Each event is told in a line of plain words, and then what the roll call made of it, once it did.
final class DemoStory: Sendable {
  private let machines: [DemoMachine]
  private let service: DemoService
  private let inventory: String
  private let observer: Aggregator
  /// The machines that are switched on.
  private let running = Mutex<[String: DemoNode]>([:])
  private let time = TimeSource()
  private let print: @Sendable (String) throws -> Void

  /// How long nothing happens between two events, so that a person can read.
  private static let pause = Duration.milliseconds(1500)
  /// How long the roll call may take to see what happened. A lease is three seconds.
  private static let patience = Duration.seconds(15)

  /// - Parameters:
  ///   - inventory: the file of the inventory, which is written.
  ///   - observer: who calls the roll.
  ///   - print: shows a line to the person.
  init(
    _ machines: [DemoMachine], _ service: DemoService, inventory: String, observer: Aggregator,
    print: @escaping @Sendable (String) throws -> Void
  ) throws {
    self.machines = machines
    self.service = service
    self.inventory = inventory
    self.observer = observer
    self.print = print
    try write(inventory: [:])
  }

  /// Lets it all happen until the task is cancelled.
  func run() async throws {
    let machines = machines
    try await withThrowingTaskGroup(of: Void.self) { group in
      for machine in machines.dropLast() { try await switchOn(machine, &group) }
      try await report(
        "five machines start, and publish themselves; the inventory lists a sixth, \(self.last.name)"
      ) {
        snapshot in
        snapshot.members.count == machines.count
          && machines.dropLast().allSatisfy { snapshot.status($0)?.reason == .leased }
      } about: { _ in
        machines
      }
      var round = 0
      while true {
        try await act(round, &group)
        round += 1
      }
    }
  }

  /// The one that comes and goes.
  private var last: DemoMachine { machines[machines.count - 1] }

  private func act(_ round: Int, _ group: inout ThrowingTaskGroup<Void, any Error>) async throws {
    // Not always the same ones, lest they be called flapping soon.
    let goodbye = machines[2 - round % 2]
    let (mover, victim) = round % 2 == 0 ? (machines[3], machines[4]) : (machines[4], machines[3])

    try await switchOn(last, &group)
    try await report("\(last.name) comes: it is switched on", last, .leased)

    let address = mover.address.replacing("10.20.0.", with: "10.20.1.")
    try await node(mover).move(to: address)
    try await report("\(mover.name) moves: its address is now \(address), no longer \(mover.address)") {
      $0.addresses(mover) == [address]
    } about: { _ in
      [mover]
    }

    try node(goodbye).switchOff(.shutdown)
    try await report(
      "\(goodbye.name) goes: it is shut down for maintenance, and says goodbye", goodbye, .left)

    try node(victim).switchOff(.powerLoss)
    try await report(
      "\(victim.name) loses power: it says nothing, and its lease of \(DemoService.lease) runs out", victim,
      .missing)

    let other = machines[0]
    try write(inventory: [mover.name: other.address])
    try await report("the inventory disagrees: a typo gives \(mover.name) the address of \(other.name)") {
      $0.isDisputed(mover) && $0.isDisputed(other)
    } about: { _ in
      [other, mover]
    }

    try await switchOn(victim, &group)
    try await report("\(victim.name) has power again", victim, .leased)
    try await switchOn(goodbye, &group)
    try await report("\(goodbye.name) is back from maintenance", goodbye, .leased)

    try write(inventory: [:])
    try await node(mover).move(to: mover.address)
    try await report("somebody mends the inventory, and \(mover.name) moves back") {
      !$0.isDisputed(mover) && !$0.isDisputed(other) && $0.addresses(mover) == [mover.address]
    } about: { _ in
      [mover]
    }

    try node(last).switchOff(.shutdown)
    try await report("\(last.name) goes, and all begins anew", last, .left)
  }

  // MARK: Machines

  private func switchOn(
    _ machine: DemoMachine, _ group: inout ThrowingTaskGroup<Void, any Error>
  ) async throws {
    let node = try await DemoNode(machine, service)
    running.withLock { $0[machine.name] = node }
    group.addTask { try await node.run() }
  }

  private func node(_ machine: DemoMachine) throws -> DemoNode {
    guard let node = running.withLock({ $0[machine.name] }) else {
      throw CommandError("the demo has no machine \(machine.name) that runs")
    }
    return node
  }

  /// Writes the inventory: names and types, and of some an address.
  private func write(inventory addresses: [String: String]) throws {
    let lines = machines.map { machine in
      let address = addresses[machine.name].map { ", addresses: [\($0)]" } ?? ""
      return
        "  - {nodeId: \(machine.identity), nodename: \(machine.name), machineType: \(machine.machineType)\(address)}\n"
    }
    do {
      try AtomicFile.replace(inventory, with: Array("nodes:\n\(lines.joined())".utf8))
    } catch {
      throw CommandError("\(error)")
    }
  }

  // MARK: Telling

  private enum Goal {
    case leased, left, missing

    func isReached(_ status: NodeStatus?) -> Bool {
      switch self {
      case .leased: status?.reason == .leased
      case .left: status?.state == .left
      case .missing: status?.state == .missing
      }
    }
  }

  private func report(_ event: String, _ machine: DemoMachine, _ goal: Goal) async throws {
    try await report(event) {
      goal.isReached($0.status(machine))
    } about: { _ in
      [machine]
    }
  }

  /// Reports `event`, waits until the roll call is as it must be then, and reports those that it is `about`.
  private func report(
    _ event: String, until isReached: @escaping @Sendable (ClusterSnapshot) -> Bool,
    about: (ClusterSnapshot) -> [DemoMachine]
  ) async throws {
    let second = "\(time.elapsed.components.seconds)s"
    try print("\(String(repeating: " ", count: max(0, 5 - second.count)))\(second)  \(event)")
    let observer = observer
    let found = try? await time.within(Self.patience) {
      for await snapshot in observer.snapshots() where isReached(snapshot) { return snapshot }
      throw CancellationError()
    }
    try Task.checkCancellation()
    let snapshot = found ?? observer.snapshot()
    if found == nil { try print("       (the roll call doesn't show it yet: this machine is busy)") }
    for machine in about(snapshot) { try print("       \(snapshot.line(machine))") }
    try print("       \(snapshot.sum)")
    try await time.sleep(Self.pause)
  }
}
