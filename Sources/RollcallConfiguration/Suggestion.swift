import Documents
import Platform

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
  if let near = nearMiss(of: key, among: known) { return "\(start); did you mean '\(near)'?" }
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
