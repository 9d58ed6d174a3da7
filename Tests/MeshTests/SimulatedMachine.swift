import ClusterModel
import KubeSpan
import KubeSpanTestSupport
import Mesh
import Rollcall
import Synchronization

/// A machine with a simulated device, which writes down what is done to it.
final class SimulatedMachine: MeshMachine {
  struct State: Sendable {
    var network = LocalNetwork()
    var device = SimulatedDevice()
    var isOpen = false
    /// What `open` was given last.
    var address: IPPrefix?
    /// Thrown by `open`.
    var refusal: String?
    /// The peers that the device ignores.
    var ignored: Set<String> = []
    /// Peers that answer at once, by public key, and where from.
    var dialsIn: [String: IPEndpoint] = [:]
    var marked: MarkedSet?
    var markCount = 0
    /// The changes that were applied.
    var applied: [DeviceDifference] = []
    var closeCount = 0
    var detachCount = 0
  }

  let state = Mutex(State())

  init(addresses: [String] = ["192.0.2.1/24"]) {
    state.withLock {
      $0.network.addresses = addresses.compactMap { try? IPPrefix($0) }.map {
        LocalNetwork.Address(interface: "eth0", prefix: $0)
      }
    }
  }

  func network() throws -> LocalNetwork { state.withLock { $0.network } }

  func networkChanges() -> AsyncStream<Void> { AsyncStream { $0.finish() } }

  func open(_ settings: KubeSpanSettings, address: IPPrefix) throws -> MeshReport.Device {
    try state.withLock { state in
      if let refusal = state.refusal { throw MeshError(refusal) }
      state.isOpen = true
      state.address = address
      return MeshReport.Device(
        interface: settings.interface, isKernel: true, listenPort: settings.listenPort, mtu: settings.mtu)
    }
  }

  func read() throws -> DeviceState {
    try state.withLock { state in
      guard state.isOpen else { throw MeshError("there is no device") }
      return state.device.state
    }
  }

  func apply(_ changes: DeviceDifference) throws {
    state.withLock { state in
      state.applied.append(changes)
      state.device.apply(changes)
      for key in state.ignored { state.device.forget(key) }
      for (key, endpoint) in state.dialsIn { state.device.dialIn(key, from: endpoint) }
    }
  }

  func mark(_ set: MarkedSet) throws -> Bool {
    state.withLock { state in
      guard state.marked != set else { return false }
      state.marked = set
      state.markCount += 1
      return true
    }
  }

  func warnings() -> [String] { [] }

  func close() {
    state.withLock { state in
      state.isOpen = false
      state.closeCount += 1
      state.device = SimulatedDevice()
    }
  }

  func detach() { state.withLock { $0.detachCount += 1 } }
}
