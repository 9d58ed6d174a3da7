import Synchronization

/// The file that ``AccessTokens`` are read from, looked at again from time to time.
final class TokenFile: Sendable {
  private struct Loaded {
    var tokens: AccessTokens
    var signature: Files.Signature
  }

  private let path: String
  private let loaded: Mutex<Loaded>

  init(path: String) throws {
    self.path = path
    loaded = Mutex(try Self.load(path))
  }

  var tokens: AccessTokens { loaded.withLock { $0.tokens } }

  /// Reads the file again if it has changed; says whether it did. One that can't be used leaves all as it was.
  func reloadIfChanged() throws -> Bool {
    let signature = try Files.signature(path)
    let isNew = loaded.withLock { loaded in
      defer { loaded.signature = signature }
      return loaded.signature != signature
    }
    // A file that can't be used is told of once, and looked at again when it changes again.
    guard isNew else { return false }
    let new = try Self.load(path)
    loaded.withLock { $0 = new }
    return true
  }

  private static func load(_ path: String) throws -> Loaded {
    let signature = try Files.signature(path)
    let bytes = try Files.read(path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw AccessTokens.Problem(description: "\(path) isn't UTF-8 text")
    }
    return Loaded(tokens: try AccessTokens(text, file: path), signature: signature)
  }
}
