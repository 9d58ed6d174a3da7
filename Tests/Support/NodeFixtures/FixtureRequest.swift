/// A request for the server of the tests.
struct FixtureRequest {
  var method: Substring
  var path: Substring
  var query: [String: String] = [:]
  /// The body's length.
  var contentLength = 0

  /// The request of this head; nil if it is none.
  init?(head: String) {
    let lines = head.split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    let parts = words[1].split(separator: "?", maxSplits: 1)
    (method, path) = (words[0], parts.first ?? "/")
    for pair in parts.dropFirst().first?.split(separator: "&") ?? [] {
      let sides = pair.split(separator: "=", maxSplits: 1)
      if let key = sides.first { query[String(key)] = sides.count > 1 ? String(sides[1]) : "" }
    }
    for line in lines.dropFirst() {
      let sides = line.split(separator: ":", maxSplits: 1)
      guard sides.count == 2, sides[0].lowercased() == "content-length" else { continue }
      contentLength = Int(sides[1].filter { $0 != " " }) ?? 0
    }
  }

  /// A number of the query.
  func number(_ key: String) -> Int? { query[key].flatMap { Int($0) } }

  /// Whether the query says yes to `key`.
  func isOn(_ key: String) -> Bool { query[key] == "true" || query[key] == "1" }
}
