import FoundationEssentials

/// The version of Kubernetes that a server is of: `1.32`.
struct ServerVersion: Hashable, Comparable {
  let major: Int
  let minor: Int

  /// Since when servers send all Nodes at the beginning of a watch, if asked.
  static let withInitialEvents = ServerVersion(major: 1, minor: 32)

  init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// The version in the answer to `/version`; nil where it has none. Vendors write `27+`.
  init?(_ body: [UInt8]) {
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)),
      let major = Int(answer.major.prefix(while: \.isNumber)),
      let minor = Int(answer.minor.prefix(while: \.isNumber))
    else { return nil }
    self.init(major: major, minor: minor)
  }

  static func < (left: ServerVersion, right: ServerVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  private struct Answer: Decodable {
    var major: String
    var minor: String
  }
}
