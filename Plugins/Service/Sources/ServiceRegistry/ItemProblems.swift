import ClusterModel
import DiscoveryProtocol

/// What of a service's answers can't be used, by the id that it came under. Bounded.
struct ItemProblems {
  private let maximumCount: Int
  private var errors: [String: OpenError] = [:]
  private var unnamed = 0
  private var overflowed = 0

  /// How many ids a message names.
  static let shownCount = 3
  /// How many ids are kept by name; more are only counted.
  static let namedCount = 1024

  init(maximumCount: Int) { self.maximumCount = maximumCount }

  /// What came last under `id` had these errors; none: all is well with it.
  mutating func note(_ found: [OpenError], of id: String) {
    guard let first = found.first(where: { !$0.isUsual }) else {
      errors[id] = nil
      return
    }
    if errors[id] != nil || errors.count < Self.namedCount && id.utf8.count <= 256 {
      errors[id] = first
    } else {
      unnamed += 1
    }
  }

  /// A node wasn't taken, as there are too many.
  mutating func overflow() { overflowed += 1 }

  /// One line for a person; nil where all is well.
  var message: String? {
    var parts: [String] = []
    if !errors.isEmpty || unnamed > 0 {
      let count = errors.count + unnamed
      let shown = errors.min(count: Self.shownCount).map { "\(quoted($0)): \($1.message)" }
      let rest = count - shown.count
      parts.append(
        "\(count == 1 ? "an affiliate" : "\(count) affiliates") can't be used as sent: "
          + shown.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : ""))
    }
    if overflowed > 0 {
      parts.append("\(overflowed) affiliates are left out, as no more than \(maximumCount) are taken")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}

extension Dictionary where Key == String, Value == OpenError {
  /// The `count` first entries in the order of their keys.
  fileprivate func min(count: Int) -> [(key: String, value: OpenError)] {
    var least: [(key: String, value: OpenError)] = []
    for entry in self {
      guard least.count < count || entry.key < least[least.count - 1].key else { continue }
      let place = least.firstIndex { entry.key < $0.key } ?? least.count
      least.insert((entry.key, entry.value), at: place)
      if least.count > count { least.removeLast() }
    }
    return least
  }
}
