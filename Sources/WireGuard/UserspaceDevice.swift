import ClusterModel
import Glibc
import KubeSpan
import Netlink
import Platform

/// A device whose work a program does.
actor UserspaceDevice: WireGuardDevice {
  nonisolated let interface: String
  nonisolated let kind = DeviceKind.userspace
  private let mark: String
  private let program: DeviceProgram
  /// The program that serves it: another one isn't this device.
  private let processID: Int32
  private let executor = BlockingExecutor("rollcall.wireguard")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(_ interface: String, mark: String, program: DeviceProgram, processID: Int32) {
    self.interface = interface
    self.mark = mark
    self.program = program
    self.processID = processID
  }

  private func ask(_ text: String) throws(DeviceError) -> [UInt8] {
    guard let socket = try ConfigurationSocket(path: program.socketPath(interface)),
      socket.processID == processID
    else {
      // Puts a child away that has ended.
      _ = DeviceProgram.hasEnded(processID)
      throw DeviceError(
        .gone, "the WireGuard device \(quoted(interface)) is gone: process \(processID) serves it no more")
    }
    return try socket.ask(text)
  }

  func read() throws -> DeviceState {
    program.trimLog(interface)
    return try ConfigurationText.state(try ask(ConfigurationText.get)[...])
  }

  func apply(_ difference: DeviceDifference) throws {
    guard !difference.isEmpty else { return }
    let code = try ConfigurationText.errorNumber(try ask(ConfigurationText.set(difference))[...])
    if code == -EADDRINUSE { throw DeviceError.portInUse(difference.listenPort, interface: interface) }
    guard code == 0 else { throw ConfigurationText.refused(code) }
  }

  func close() {
    guard let socket = try? ConfigurationSocket(path: program.socketPath(interface)),
      socket.processID == processID
    else {
      _ = DeviceProgram.hasEnded(processID)
      return
    }
    program.end(processID, of: interface)
  }
}
