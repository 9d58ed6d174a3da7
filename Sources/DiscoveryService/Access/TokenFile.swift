import Platform
import Synchronization

/// The file that ``AccessTokens`` are read from, looked at again from time to time.
final class TokenFile: Sendable {
  /// Bytes that it may have.
  private static let largest = 16 << 20

  private let path: String
  private let file: ReloadedFiles<AccessTokens>

  init(path: String) throws {
    self.path = path
    file = try ReloadedFiles { try Self.load(path) }
  }

  var tokens: AccessTokens { file.value }

  /// Reads the file again if it has changed; says whether it did. One that can't be used leaves all as it was.
  func reloadIfChanged() throws -> Bool {
    try file.reload(ifChanged: [path]) { try Self.load(path) }
  }

  private static func load(_ path: String) throws -> (AccessTokens, [FileSignature]) {
    let file = try BoundedFile.read(path, limit: largest)
    return (try AccessTokens(try file.text(), file: path), [file.signature])
  }
}
