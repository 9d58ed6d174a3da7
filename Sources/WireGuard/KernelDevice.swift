import ClusterModel
import Glibc
import KubeSpan
import Netlink
import Platform

/// The kernel's own WireGuard.
actor KernelDevice: WireGuardDevice {
  nonisolated let interface: String
  nonisolated let kind = DeviceKind.kernel
  private let mark: String
  /// The interface's number: another one of that name isn't this device.
  private let index: UInt32
  /// Generic netlink's number for WireGuard.
  private let family: UInt16
  private let executor = BlockingExecutor("rollcall.wireguard")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(_ link: NetworkInterface, mark: String, family: UInt16) {
    interface = link.name
    index = link.index
    self.mark = mark
    self.family = family
  }

  func read() throws -> DeviceState {
    let answers: [NetlinkMessage]
    do throws(NetlinkError) {
      answers = try NetlinkSocket(Netlink.generic).dump(KernelDeviceMessage.get(index: index, family: family))
    } catch {
      throw DeviceError("can't read the WireGuard device \(quoted(interface))", error)
    }
    return try KernelDeviceMessage.state(answers)
  }

  func apply(_ difference: DeviceDifference) throws {
    guard !difference.isEmpty else { return }
    do throws(NetlinkError) {
      let socket = try NetlinkSocket(Netlink.generic)
      for message in KernelDeviceMessage.set(difference, index: index, family: family) {
        try socket.perform(message)
      }
    } catch {
      if error.code == EADDRINUSE {
        throw DeviceError.portInUse(difference.listenPort, interface: interface)
      }
      throw DeviceError("can't configure the WireGuard device \(quoted(interface))", error)
    }
  }

  func close() {
    guard let socket = try? NetlinkSocket(Netlink.route),
      let link = try? NetworkInterface.find(interface, through: socket), link.index == index,
      link.alias == mark
    else { return }
    try? socket.perform(link.delete())
  }
}
