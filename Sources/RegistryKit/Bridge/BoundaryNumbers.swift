package import CRegistryPlugin
import ClusterModel
package import Logging

/// Enumerations as the numbers by which they cross the boundary. A number that isn't known is what the header says
/// that it counts as.

extension RegistryError.Code {
  /// The code that crosses the boundary as `code`; one that isn't known is ``failed``.
  package init(boundary code: registry_code) {
    switch Int(code) {
    case REGISTRY_INVALID_ARGUMENT: self = .invalidArgument
    case REGISTRY_LIMIT_EXCEEDED: self = .limitExceeded
    case REGISTRY_STOPPED: self = .stopped
    case REGISTRY_UNAVAILABLE: self = .unavailable
    case REGISTRY_PERMISSION_DENIED: self = .permissionDenied
    case REGISTRY_UNSUPPORTED: self = .unsupported
    default: self = .failed
    }
  }

  /// The code as it crosses the boundary; what the boundary has no number for is `REGISTRY_FAILED`.
  package var boundary: registry_code {
    switch self {
    case .invalidArgument: registry_code(REGISTRY_INVALID_ARGUMENT)
    case .limitExceeded: registry_code(REGISTRY_LIMIT_EXCEEDED)
    case .stopped: registry_code(REGISTRY_STOPPED)
    case .unavailable: registry_code(REGISTRY_UNAVAILABLE)
    case .permissionDenied: registry_code(REGISTRY_PERMISSION_DENIED)
    case .unsupported: registry_code(REGISTRY_UNSUPPORTED)
    default: registry_code(REGISTRY_FAILED)
    }
  }
}

extension MachineType {
  init(boundary number: UInt32) {
    switch Int(number) {
    case REGISTRY_MACHINE_INIT: self = .`init`
    case REGISTRY_MACHINE_CONTROLPLANE: self = .controlplane
    case REGISTRY_MACHINE_WORKER: self = .worker
    default: self = .unknown
    }
  }

  var boundary: UInt32 {
    switch self {
    case .unknown: UInt32(REGISTRY_MACHINE_UNKNOWN)
    case .`init`: UInt32(REGISTRY_MACHINE_INIT)
    case .controlplane: UInt32(REGISTRY_MACHINE_CONTROLPLANE)
    case .worker: UInt32(REGISTRY_MACHINE_WORKER)
    }
  }
}

extension RemovalReason {
  /// Nil for `REGISTRY_REASON_DEFAULT`.
  init?(boundary number: UInt32) {
    switch Int(number) {
    case REGISTRY_REASON_DEFAULT: return nil
    case REGISTRY_REASON_WITHDRAWN: self = .withdrawn
    case REGISTRY_REASON_EXPIRED: self = .expired
    case REGISTRY_REASON_DELETED: self = .deleted
    case REGISTRY_REASON_UNLISTED: self = .unlisted
    default: self = .removed
    }
  }

  var boundary: UInt32 {
    switch self {
    case .withdrawn: UInt32(REGISTRY_REASON_WITHDRAWN)
    case .expired: UInt32(REGISTRY_REASON_EXPIRED)
    case .deleted: UInt32(REGISTRY_REASON_DELETED)
    case .unlisted: UInt32(REGISTRY_REASON_UNLISTED)
    case .removed: UInt32(REGISTRY_REASON_REMOVED)
    }
  }
}

extension HealthAspect {
  init(boundary number: UInt32) {
    switch Int(number) {
    case REGISTRY_ASPECT_CONTENT: self = .content
    case REGISTRY_ASPECT_PUBLISHING: self = .publishing
    case REGISTRY_ASPECT_CREDENTIALS: self = .credentials
    default: self = .reading
    }
  }

  var boundary: UInt32 {
    switch self {
    case .reading: UInt32(REGISTRY_ASPECT_READING)
    case .content: UInt32(REGISTRY_ASPECT_CONTENT)
    case .publishing: UInt32(REGISTRY_ASPECT_PUBLISHING)
    case .credentials: UInt32(REGISTRY_ASPECT_CREDENTIALS)
    }
  }
}

extension Logger.Level {
  /// The level as it crosses the boundary.
  package var boundary: UInt32 {
    switch self {
    case .trace: 0
    case .debug: 1
    case .info: 2
    case .notice: 3
    case .warning: 4
    case .error: 5
    case .critical: 6
    }
  }

  /// The level that crosses the boundary as `number`; one that isn't known is critical.
  package init(boundary number: UInt32) {
    self = Logger.Level.allCases.first { $0.boundary == number } ?? .critical
  }
}
