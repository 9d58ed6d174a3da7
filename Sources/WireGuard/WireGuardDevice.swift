public import KubeSpan

/// Who does a device's work.
public enum DeviceKind: String, Hashable, Sendable {
  /// The kernel.
  case kernel
  /// A program: wireguard-go.
  case userspace
}

/// Which kind of device is wanted.
public enum DevicePreference: String, Hashable, Sendable, CaseIterable {
  /// The kernel's, and a program's where the kernel has none.
  case auto
  case kernel
  case userspace
}

/// A WireGuard device of this machine that is ours. Its operations come one after the other.
public protocol WireGuardDevice: Sendable {
  /// The name of its network interface.
  var interface: String { get }
  /// Who does its work.
  var kind: DeviceKind { get }

  /// The device as it is.
  ///
  /// - Throws: ``DeviceError``; with ``DeviceError/Code/gone`` where it isn't there any more: then open it anew.
  func read() async throws -> DeviceState

  /// Configures what differs, in as many messages as that takes.
  ///
  /// - Throws: ``DeviceError``. What came before the error stays done, and where the port is in use the device
  ///   listens on another one, or on none: read it again, and apply what differs then.
  func apply(_ difference: DeviceDifference) async throws

  /// Removes the device, and ends the program that does its work. Does nothing where it is gone, or isn't ours any
  /// more. Not ended by cancellation.
  func close() async
}
