import Platform

/// Who may use which clusters: bearer tokens, read from a file.
///
/// A line is a token and the ids of the clusters it opens, separated by blanks; `*` opens every cluster. Empty
/// lines and lines that start with `#` say nothing.
struct AccessTokens: Sendable {
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  private struct Entry {
    let token: [UInt8]
    let clusters: Set<OpaqueID>
    let all: Bool
  }

  /// Shorter ones can be guessed.
  static let shortest = 16

  private let entries: [Entry]

  /// The tokens that `text` lists.
  ///
  /// - Throws: ``Problem`` with file, line and column; it never shows a token.
  init(_ text: String, file: String) throws(Problem) {
    var entries: [Entry] = []
    // Some editors put a mark of the byte order in front.
    let text =
      text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
    for (index, line) in Substring(text).lines.enumerated() {
      // By bytes: a Character may be several of them, a blank among them.
      let words = line.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map { Substring($0) }
      guard let token = words.first, token.utf8.first != UInt8(ascii: "#") else { continue }
      let column = line.utf8.distance(from: line.utf8.startIndex, to: token.utf8.startIndex) + 1
      let place = "\(file):\(index + 1):\(column)"
      guard !line.utf8.contains(0x0D) else {
        throw Problem(
          description: "\(place): the line has a carriage return in it; end each line with a line feed")
      }
      let bytes = Array(token.utf8)
      guard bytes.count >= Self.shortest else {
        throw Problem(
          description: "\(place): the token has \(bytes.count) characters; make it at least "
            + "\(Self.shortest) long")
      }
      guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw Problem(
          description: "\(place): the token has a character that a header can't carry; use "
            + "letters, digits and -._~+/=")
      }
      guard words.count > 1 else {
        throw Problem(description: "\(place): the token opens no cluster; write cluster ids after it, or *")
      }
      guard !entries.contains(where: { $0.token == bytes }) else {
        throw Problem(
          description: "\(place): the token stands in the file twice; put all its clusters on "
            + "one line")
      }
      let clusters = words.dropFirst()
      entries.append(
        Entry(token: bytes, clusters: Set(clusters.map { OpaqueID(String($0)) }), all: clusters.contains("*"))
      )
    }
    self.entries = entries
  }

  /// Checks a call's `authorization` header.
  func check(authorization: String?, cluster: OpaqueID) throws(ServiceError) {
    guard let authorization else {
      throw ServiceError(
        .unauthenticated, "this service wants a token: authorization: Bearer TOKEN", reason: "token")
    }
    let presented = Array(authorization.utf8)
    let scheme = Array("bearer ".utf8)
    guard presented.count > scheme.count,
      zip(presented, scheme).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
    else {
      throw ServiceError(.unauthenticated, "authorization has to be: Bearer TOKEN", reason: "token")
    }
    let token = presented[scheme.count...]
    // All entries are looked at whole, so that the time taken says nothing about how far a guess was right.
    var found: Entry?
    for entry in entries where Self.equalInConstantTime(entry.token, token) { found = entry }
    guard let found else {
      throw ServiceError(.unauthenticated, "the token isn't known here", reason: "token")
    }
    guard found.all || found.clusters.contains(cluster) else {
      throw ServiceError(.permissionDenied, "the token doesn't open this cluster", reason: "token_cluster")
    }
  }

  /// Whether the two are equal, in a time that depends on the length of `presented` alone.
  static func equalInConstantTime(_ known: [UInt8], _ presented: ArraySlice<UInt8>) -> Bool {
    var difference = UInt(bitPattern: known.count ^ presented.count)
    let length = max(known.count, 1)
    for (index, byte) in presented.enumerated() {
      let other = known.isEmpty ? 0 : known[index % length]
      difference |= UInt(byte ^ other)
    }
    return difference == 0
  }
}
