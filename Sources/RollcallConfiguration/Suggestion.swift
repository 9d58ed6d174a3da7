import YAML

/// Which of `candidates` a person most likely meant by `text`; nil where none is near.
func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
  let lowered = Array(text.lowercased().unicodeScalars.prefix(64))
  let bound = max(1, lowered.count / 3)
  return candidates.map {
    (candidate: $0, distance: distance(lowered, Array($0.lowercased().unicodeScalars)))
  }
  .filter { $0.distance <= bound }
  .min { $0.distance != $1.distance ? $0.distance < $1.distance : $0.candidate < $1.candidate }?.candidate
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one of the
/// other.
private func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  var older: [Int] = []
  var previous = Array(0...right.count)
  for (row, letter) in left.enumerated() {
    var current = [row + 1]
    for (column, other) in right.enumerated() {
      var best = min(
        previous[column] + (letter == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
        best = min(best, older[column - 1] + 1)
      }
      current.append(best)
    }
    (older, previous) = (previous, current)
  }
  return previous[right.count]
}

/// The message for a key that nobody knows.
///
/// - Parameters:
///   - path: where the key is, `cluster.discovery`; empty at the top.
///   - known: the keys that there are.
func unknownKey(_ key: String, in path: String, known: [String]) -> String {
  // What doesn't look like a key may be a secret that slipped.
  let isName = key.utf8.count <= 40 && key.utf8.allSatisfy { $0.isNameByte || $0 == UInt8(ascii: ".") }
  let start =
    isName && !key.isEmpty ? "unknown key \(quoted(key))" : "unknown key (not shown, as it may be a secret)"
  if let near = nearest(to: key, among: known) { return "\(start); did you mean '\(near)'?" }
  if let place = ConfigurationKeys.places[key], place != path {
    return "\(start); it belongs \(place.isEmpty ? "at the top of the file" : "in \(place)")"
  }
  let owner = path.isEmpty ? "the file" : path
  return known.isEmpty
    ? "\(start); \(owner) has no keys" : "\(start); \(owner) knows \(known.joined(separator: ", "))"
}

extension UInt8 {
  fileprivate var isNameByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
