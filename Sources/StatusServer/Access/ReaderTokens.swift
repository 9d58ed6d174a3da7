import Platform
import Synchronization

/// Tokens that let somebody read, one a line of a file; read again when that changes.
final class ReaderTokens: Sendable {
  private struct State {
    var signature: FileSignature?
    var tokens: [[UInt8]] = []
  }

  /// The fewest bytes of a token: what is shorter can be guessed.
  static let minimumLength = 16
  private static let maximumSize = 64 * 1024

  private let path: String
  private let report: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// The tokens in the file at `path`. Lines that begin with `#` and empty ones aren't any.
  ///
  /// - Parameter report: is told once why a file that was changed can't be used.
  /// - Throws: where the file can't be read, others than its owner may read it, or a token is too short. Never names
  ///   a token.
  init(_ path: String, report: @escaping @Sendable (String) -> Void = { _ in }) throws(Failure) {
    self.path = path
    self.report = report
    let tokens = try Self.read(path)
    let signature = try? FileSignature(path)
    state.withLock { $0 = State(signature: signature, tokens: tokens) }
  }

  /// Why tokens can't be used.
  struct Failure: Error, Hashable, CustomStringConvertible {
    let description: String
  }

  private static func read(_ path: String) throws(Failure) -> [[UInt8]] {
    let text: String
    do {
      let file = try BoundedFile.read(path, limit: maximumSize)
      try file.checkOwnerOnly()
      text = try file.text()
    } catch {
      throw Failure(description: "http.tokensFile: \(error)")
    }
    var tokens: [[UInt8]] = []
    for (index, line) in text.lines.enumerated() {
      let token = line.split { $0 == " " || $0 == "\t" }
      guard let first = token.first, !first.hasPrefix("#") else { continue }
      guard token.count == 1, first.utf8.count >= minimumLength, first.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
      else {
        throw Failure(
          description:
            "http.tokensFile: line \(index + 1) of '\(path)' must be one token of at least \(minimumLength) printable ASCII characters"
        )
      }
      tokens.append(Array(first.utf8))
    }
    guard !tokens.isEmpty else {
      throw Failure(description: "http.tokensFile: there is no token in '\(path)'")
    }
    return tokens
  }

  /// Whether `token` is one of them. Takes as long whichever it is, and however much of it is right.
  func has(_ token: String) -> Bool {
    let signature = try? FileSignature(path)
    return state.withLock { state in
      if signature != state.signature {
        // A file that can't be used any more lets nobody in: who emptied it, or took it away, meant that.
        do throws(Failure) {
          state = State(signature: signature, tokens: try Self.read(path))
        } catch {
          state = State(signature: signature, tokens: [])
          report("\(error); nobody is let in by a token until it can be read")
        }
      }
      let given = Array(token.utf8)
      var isThere = false
      for known in state.tokens where Self.isSame(known, given) { isThere = true }
      return isThere
    }
  }

  /// Compares in a time that depends on the lengths alone.
  static func isSame(_ known: [UInt8], _ given: [UInt8]) -> Bool {
    var difference = UInt(bitPattern: known.count ^ given.count)
    for index in given.indices { difference |= UInt(given[index] ^ known[index % known.count]) }
    return difference == 0
  }
}
