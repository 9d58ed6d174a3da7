package import ClusterModel
package import KubeSpan
package import Rollcall
import WireGuard

/// This machine, with a WireGuard device of the kernel's or of a program beside it.
package actor WireGuardMachine: MeshMachine {
  private let devices: WireGuardDevices
  private let ways: MeshNetwork
  private var device: (any WireGuardDevice)?
  private var preference: DevicePreference?
  private var settings: MeshNetwork.Settings?

  /// The machine that this process runs on.
  package init() {
    devices = WireGuardDevices()
    ways = MeshNetwork()
  }

  package nonisolated func network() throws -> LocalNetwork { try LocalNetwork.read() }

  package nonisolated func networkChanges() -> AsyncStream<Void> { LocalNetwork.changes() }

  package func open(_ settings: KubeSpanSettings, address: IPPrefix) async throws -> MeshReport.Device {
    let wanted = DevicePreference(settings.device)
    if let device, device.interface != settings.interface || preference != wanted { await close() }
    let device: any WireGuardDevice
    if let known = self.device {
      device = known
    } else {
      device = try await devices.open(interface: settings.interface, preference: wanted)
      (self.device, preference) = (device, wanted)
    }
    var ways = MeshNetwork.Settings(
      interface: settings.interface, address: address, ownIPv4: try ownIPv4(besides: settings.interface))
    ways.mtu = settings.mtu
    ways.table = settings.routingTable
    ways.rulePriority = settings.rulePriority
    ways.firewallMark = settings.deviceMark
    ways.routingMark = settings.peerMark
    ways.markMask = settings.markMask
    ways.forced = !settings.allowsDownPeerBypass
    ways.nftTable = settings.nftablesTable
    self.settings = ways
    try await noticingLoss { try await self.ways.configure(ways) }
    return MeshReport.Device(
      interface: device.interface, isKernel: device.kind == .kernel, listenPort: settings.listenPort,
      mtu: settings.mtu)
  }

  private func ownIPv4(besides interface: String) throws -> IPAddress? {
    try network().addresses(besides: interface).first { $0.address.family == .v4 }?.address
  }

  /// What `operation` returns. Where it finds the device gone, as somebody removed the link or the program ended, the next
  /// pass makes it anew.
  private func noticingLoss<Value: Sendable>(_ operation: () async throws -> Value) async throws -> Value {
    do {
      return try await operation()
    } catch {
      if (error as? DeviceError)?.code == .gone { device = nil }
      throw error
    }
  }

  package func read() async throws -> DeviceState {
    guard let device else { throw MeshError("there is no WireGuard device yet") }
    return try await noticingLoss { try await device.read() }
  }

  package func apply(_ changes: DeviceDifference) async throws {
    guard let device else { throw MeshError("there is no WireGuard device yet") }
    try await noticingLoss { try await device.apply(changes) }
  }

  package func mark(_ set: MarkedSet) async throws -> Bool { try await ways.mark(set) }

  package func warnings() -> [String] { [] }

  package func close() async {
    if let settings { await ways.remove(settings) }
    await device?.close()
    (device, settings, preference) = (nil, nil, nil)
  }

  package func detach() { (device, settings, preference) = (nil, nil, nil) }
}

extension DevicePreference {
  fileprivate init(_ preference: KubeSpanSettings.DevicePreference) {
    self =
      switch preference {
      case .auto: .auto
      case .kernel: .kernel
      case .userspace: .userspace
      }
  }
}
