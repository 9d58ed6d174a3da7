import ClusterModel
import Glibc
import Netlink
import Platform

/// Makes WireGuard devices, and finds again those that are ours.
///
/// Ours is whose interface carries our mark as its alias. What doesn't is neither used nor removed.
public actor WireGuardDevices {
  /// What our interfaces carry as their alias.
  public static var standardMark: String { NetworkInterface.overlayMark }

  private let mark: String
  private let program: DeviceProgram
  private let executor = BlockingExecutor("rollcall.wireguard")

  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Parameters:
  ///   - mark: tells our devices from others; to be the same after a restart.
  ///   - program: the program that does a userspace device's work: a path, or a name that is looked for in PATH.
  public init(mark: String = WireGuardDevices.standardMark, program: String = "wireguard-go") {
    self.mark = mark
    self.program = DeviceProgram(command: program)
  }

  /// The device of `interface`: ours from before, which goes on as it was, or else a new one without peers.
  ///
  /// - Throws: ``DeviceError``: ``DeviceError/Code/notOurs`` where somebody else has that name,
  ///   ``DeviceError/Code/unsupported`` and ``DeviceError/Code/missingProgram`` where there is no such device.
  public func open(
    interface: String, preference: DevicePreference = .auto
  ) throws -> any WireGuardDevice {
    try DeviceError.checkName(interface)
    let socket = try Self.performing("can't ask for network interfaces") { () throws(NetlinkError) in
      try NetlinkSocket(Netlink.route)
    }
    if let link = try find(interface, socket), let device = try reclaim(link, preference, socket) {
      return device
    }
    let family = preference == .userspace ? nil : try Self.family()
    if let family {
      do throws(NetlinkError) {
        let index = NetworkInterface.unusedIndex()
        try socket.perform(
          NetworkInterface.create(interface, kind: "wireguard", alias: mark, index: index))
        return KernelDevice(NetworkInterface(index: index, name: interface), mark: mark, family: family)
      } catch  where error.code == EOPNOTSUPP && preference == .auto {
        // The family without the kind of interface: as good as none.
      } catch {
        throw DeviceError("can't make the interface \(quoted(interface))", error)
      }
    } else if preference == .kernel {
      throw DeviceError(
        .unsupported,
        "this kernel has no WireGuard (its module isn't there, or may not be loaded): 'device: userspace' uses "
          + "wireguard-go instead")
    }
    return try start(interface, socket)
  }

  private func find(_ interface: String, _ socket: NetlinkSocket) throws(DeviceError) -> NetworkInterface? {
    try Self.performing("can't ask for the interface \(quoted(interface))") { () throws(NetlinkError) in
      try NetworkInterface.find(interface, through: socket)
    }
  }

  /// The device of an interface that is there; nil where it was ours, and had to be removed.
  private func reclaim(
    _ link: NetworkInterface, _ preference: DevicePreference, _ socket: NetlinkSocket
  ) throws(DeviceError) -> (any WireGuardDevice)? {
    switch link.kind {
    case "wireguard" where link.alias == mark:
      if preference != .userspace, let family = try Self.family() {
        return KernelDevice(link, mark: mark, family: family)
      }
    case "tun" where link.alias == mark || link.alias.isEmpty:
      let server = try ConfigurationSocket(path: program.socketPath(link.name))
      // One that was just started when we ended has no mark yet.
      let isOurs =
        link.alias == mark || server.map { program.isOurs($0.processID, link.name, mark: mark) } == true
      guard isOurs else { throw notOurs(link) }
      if let processID = server?.processID {
        if preference != .kernel {
          if link.alias != mark { try setMark(link, socket) }
          return UserspaceDevice(link.name, mark: mark, program: program, processID: processID)
        }
        program.end(processID, of: link.name)
      }
    default: throw notOurs(link)
    }
    // Of the other kind, or nobody serves it: it goes, and with it the program that holds it.
    do throws(NetlinkError) {
      try socket.perform(link.delete())
    } catch  where error.code == ENODEV {
    } catch {
      throw DeviceError("can't remove the interface \(quoted(link.name))", error)
    }
    return nil
  }

  private func notOurs(_ link: NetworkInterface) -> DeviceError {
    let kind = link.kind.isEmpty ? "an interface" : "an interface of kind \(quoted(link.kind))"
    return DeviceError(
      .notOurs,
      "there is \(kind) named \(quoted(link.name)) that isn't ours (its alias isn't \(quoted(mark))), and it is left "
        + "alone: choose another name with 'interface' in the KubeSpan settings, or remove it")
  }

  /// Starts the program that does the work.
  private func start(
    _ interface: String, _ socket: NetlinkSocket
  ) throws(DeviceError) -> any WireGuardDevice {
    // Its interface is gone: so is it, in a moment.
    program.endLeftovers(interface, mark: mark)
    let path = program.socketPath(interface)
    let deadline = ContinuousClock.now + program.patience
    while try ConfigurationSocket.isServed(path) {
      // Says so at once where it is somebody else's.
      let server = try ConfigurationSocket(path: path)
      guard ContinuousClock.now < deadline else {
        let process = server.map { "process \($0.processID)" } ?? "a process that doesn't end"
        throw DeviceError(
          .notOurs,
          "\(quoted(path)) is served by \(process), and the interface \(quoted(interface)) isn't there: end it, or "
            + "choose another name with 'interface' in the KubeSpan settings")
      }
      usleep(5000)
    }
    let processID = try program.start(interface, mark: mark)
    do throws(DeviceError) {
      guard let link = try find(interface, socket) else {
        throw DeviceError(.gone, "the WireGuard device \(quoted(interface)) was removed while it was made")
      }
      try setMark(link, socket)
    } catch {
      program.end(processID, of: interface)
      throw error
    }
    return UserspaceDevice(interface, mark: mark, program: program, processID: processID)
  }

  private func setMark(_ link: NetworkInterface, _ socket: NetlinkSocket) throws(DeviceError) {
    try Self.performing("can't mark the interface \(quoted(link.name))") { () throws(NetlinkError) in
      try socket.perform(link.setAlias(mark))
    }
  }

  /// Generic netlink's number for WireGuard; nil where the kernel has none.
  private static func family() throws(DeviceError) -> UInt16? {
    try performing("can't find out whether this kernel has WireGuard") { () throws(NetlinkError) in
      try GenericFamily.number(of: KernelDeviceMessage.family, through: NetlinkSocket(Netlink.generic))
    }
  }

  private static func performing<Value>(
    _ action: String, _ body: () throws(NetlinkError) -> Value
  ) throws(DeviceError) -> Value {
    do throws(NetlinkError) {
      return try body()
    } catch {
      throw DeviceError(action, error)
    }
  }
}
