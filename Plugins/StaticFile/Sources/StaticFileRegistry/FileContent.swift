import Glibc
import Platform
import RegistryKit

/// What a file held when it was read.
struct FileContent {
  let bytes: [UInt8]
  let signature: FileSignature

  /// Reads the file at `path`. May block for as long as the file system likes.
  ///
  /// - Returns: nil where the file is no longer there.
  static func read(_ path: String, shown: String, maximumBytes: Int) throws(FileTrouble) -> FileContent? {
    do throws(FileError) {
      let file = try BoundedFile.read(path, limit: maximumBytes)
      return FileContent(bytes: file.bytes, signature: file.signature)
    } catch {
      if error.isMissing || error.reason == .system(ENOTDIR) { return nil }
      throw FileTrouble(error, shown: shown)
    }
  }
}

/// Why a file wasn't read.
struct FileTrouble: Error {
  let trouble: Trouble
  /// Whether it is likely to be over in a moment.
  let isPassing: Bool

  init(_ error: FileError, shown: String) {
    let code: RegistryError.Code =
      switch error.reason {
      case _ where error.isForbidden: .permissionDenied
      case .notAFile: .invalidArgument
      case .tooLarge: .limitExceeded
      default: .unavailable
      }
    trouble = Trouble(code, "'\(shown)' can't be read: \(error.explanation)")
    isPassing = error.reason == .changing
  }
}
