package import Platform

extension RegistryError {
  /// Why a file can't be used.
  ///
  /// - Parameter name: what messages call the file, such as `token file '/etc/token'`; its path in quotes where that
  ///   is nil.
  package init(_ error: FileError, named name: String? = nil) {
    let code: Code =
      switch error.reason {
      case _ where error.isForbidden: .permissionDenied
      case .notAFile, .notUTF8: .invalidArgument
      case .tooLarge: .limitExceeded
      default: .unavailable
      }
    self.init(
      code, "\(name ?? "'\(error.path)'") can't be \(error.action): \(error.explanation)", cause: error)
  }
}
