package import CRegistryPlugin

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
