import ClusterModel
import ClusterResources
import Platform
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The file of an output. Blocks.
struct OutputFile: Sendable {
  /// What was there before.
  struct Current {
    let text: String
    /// Owner, group and permissions.
    let access: AtomicFile.Access
  }

  /// The most bytes of a file that are compared.
  static let maximumSize = 256 << 20

  /// The path in the configuration.
  let path: String
  /// The permissions in the configuration.
  let mode: UInt32?

  init(_ definition: OutputDefinition) {
    path = definition.path
    mode = definition.mode
  }

  /// What there is; nil where there is nothing.
  func read() throws(FileError) -> Current? {
    let path = target
    do throws(FileError) {
      let file = try BoundedFile.read(path, limit: Self.maximumSize)
      return Current(
        text: String(decoding: file.bytes, as: UTF8.self), access: try AtomicFile.access(of: path))
    } catch  where error.isMissing {
      return nil
    }
  }

  /// Writes `text` in place of what is there, in one step.
  ///
  /// - Throws: what is wrong, as a person is told it.
  func write(_ text: String, in place: Current?) throws(ModelError) {
    let path = target
    let permissions = mode.map { FilePermissions(rawValue: CModeT($0)) }
    do throws(FileError) {
      try AtomicFile.replace(
        path, with: text.utf8, mode: permissions ?? place?.access.mode ?? FilePermissions(rawValue: 0o644),
        owner: place?.access)
    } catch {
      throw ModelError(Self.explanation(error, path))
    }
  }

  /// Whether what is there has other permissions than it should.
  func hasWrongMode(_ current: Current) -> Bool {
    mode.map { UInt32(current.access.mode.rawValue) != $0 } ?? false
  }

  /// The file itself: where the path is a link, the link stays.
  private var target: String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func explanation(_ error: FileError, _ path: String) -> String {
    switch error.reason {
    case .system(EBUSY):
      "\(quoted(path)) can't be replaced: it is a mount of its own, as of a container; mount its folder instead"
    case .system(EPERM) where error.action == .written:
      "\(error.description); its owner can't be kept by this user"
    case .system(EROFS):
      "\(error.description); the output needs a folder that it may write to"
    default: error.description
    }
  }
}
