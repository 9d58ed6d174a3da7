import ClusterModel
import Glibc
import KubeSpan
import Netlink
import Platform

/// Why a device, or what leads packets into it, isn't as it is to be. Names what it is about, and never a secret.
public struct DeviceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it is. There may be more than those here.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    private init(_ description: String) { self.description = description }

    /// Something of that name is there that isn't ours, and that is neither used nor removed.
    public static let notOurs = Code("notOurs")
    /// This machine has no such device.
    public static let unsupported = Code("unsupported")
    /// This process may not do that.
    public static let notPermitted = Code("notPermitted")
    /// A program is missing.
    public static let missingProgram = Code("missingProgram")
    /// The UDP port is another's. The kernel's device goes on listening where it did, a program's listens nowhere; both
    /// say so when they are read.
    public static let portInUse = Code("portInUse")
    /// The device isn't there any more. Open it anew.
    public static let gone = Code("gone")
    /// A setting of ours can't be.
    public static let invalid = Code("invalid")
    /// Reverse path filtering of this machine drops what comes out of the tunnel.
    public static let reversePathFilter = Code("reversePathFilter")
    /// Anything else that the system, or a program, said.
    public static let failed = Code("failed")
  }

  public let code: Code
  /// What failed and why, and what would be right where that can be told.
  public let message: String

  public var description: String { message }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// - Parameter action: what failed: "can't make the interface 'kubespan'".
  init(_ action: String, _ error: NetlinkError) {
    switch error.code {
    case EPERM, EACCES:
      self.init(.notPermitted, "\(action): \(error); that needs the capability CAP_NET_ADMIN")
    case ENODEV: self.init(.gone, "\(action): it isn't there any more")
    case EOPNOTSUPP: self.init(.unsupported, "\(action): this kernel can't do that (\(error))")
    default: self.init(.failed, "\(action): \(error)")
    }
  }

  /// - Throws: ``Code/invalid`` where an interface of ours can't be called `name`.
  static func checkName(_ name: String) throws(DeviceError) {
    do throws(ModelError) {
      _ = try InterfaceName.checkNew(name)
    } catch {
      throw DeviceError(.invalid, error.message)
    }
  }

  /// The UDP port of a device that couldn't be had.
  static func portInUse(_ port: UInt16?, interface: String) -> DeviceError {
    let name = port.map { "UDP port \($0)" } ?? "its UDP port"
    return DeviceError(
      .portInUse,
      "the WireGuard device \(quoted(interface)) can't listen: \(name) is in use by something else; end that, "
        + "or set another listenPort")
  }
}
