import AffiliateMerge
import ClusterModel
import Lifecycle
import Rollcall

/// What the roll call says of the demo's machines.
extension ClusterSnapshot {
  func status(_ machine: DemoMachine) -> NodeStatus? { life.status(of: machine.identity) }

  /// The addresses at which the machine is reached.
  func addresses(_ machine: DemoMachine) -> [String] {
    merge.affiliate(machine.identity)?.value.addresses.map(\.description) ?? []
  }

  /// Whether it isn't clear what is the machine's.
  func isDisputed(_ machine: DemoMachine) -> Bool { status(machine)?.flags.contains(.conflict) ?? false }

  /// What a person is told of the machine: `w-2   missing,conflict  10.20.0.22  left service 3s ago (expired)`.
  func line(_ machine: DemoMachine) -> String {
    guard let status = status(machine) else { return "\(machine.name)  isn't known" }
    var state = status.state.rawValue
    if status.flags.contains(.conflict) { state += ",conflict" }
    if status.flags.contains(.flapping) { state += ",flapping" }
    let message = status.message(at: moment, replaced: life.replaced(by: status))
    let address = addresses(machine).joined(separator: ",")
    return [machine.name.padded(to: 5), state.padded(to: 15), address.padded(to: 22), message]
      .joined(separator: " ")
  }

  /// How many are how: `roll call: 6 members, 4 ready, 1 missing, 1 left`.
  var sum: String {
    let statuses = life.statuses()
    let counts = NodeState.allCases.compactMap { state -> String? in
      let count = statuses.count { $0.state == state }
      return count > 0 ? "\(count) \(state.rawValue)" : nil
    }
    let disputed = statuses.count { $0.flags.contains(.conflict) }
    let parts = ["\(statuses.count) members"] + counts + (disputed > 0 ? ["\(disputed) in conflict"] : [])
    return "roll call: \(parts.joined(separator: ", "))"
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
