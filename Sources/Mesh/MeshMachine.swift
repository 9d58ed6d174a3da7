package import ClusterModel
package import KubeSpan
package import Rollcall

/// What a mesh needs of the machine that it runs on. A seam: the real one is ``WireGuardMachine``, and a test may be
/// one.
package protocol MeshMachine: Sendable {
  /// The machine's addresses and hardware, the device's own among them.
  func network() throws -> LocalNetwork

  /// Yields when that may have changed.
  func networkChanges() -> AsyncStream<Void>

  /// Makes the device, or reclaims one of this program's that was left behind, and all that leads packets into it.
  /// Where all is as it should be, nothing is written.
  ///
  /// - Parameter address: this node's address in its KubeSpan network, with that network's length.
  /// - Throws: why it can't be made: one line with what would be right.
  func open(_ settings: KubeSpanSettings, address: IPPrefix) async throws -> MeshReport.Device

  /// The device as it is. Throws where there is none.
  func read() async throws -> DeviceState

  /// Configures the device. Where it fails, what came before the failure stays done.
  func apply(_ changes: DeviceDifference) async throws

  /// Sets the addresses whose packets are led into the tunnel.
  ///
  /// - Returns: whether there was anything to change.
  @discardableResult
  func mark(_ set: MarkedSet) async throws -> Bool

  /// What a person should know although all works, such as a setting of the kernel that loses packets.
  func warnings() async -> [String]

  /// Removes everything that ``open(_:address:)`` made.
  func close() async

  /// Lets go of everything and leaves it in place, for the next process to reclaim.
  func detach() async
}
