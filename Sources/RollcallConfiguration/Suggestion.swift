import Platform
import RegistryKit

/// The message for a key that nobody knows.
///
/// - Parameters:
///   - path: where the key is, `cluster.discovery`; empty at the top.
///   - known: the keys that there are.
func unknownKey(_ key: String, in path: String, known: [String]) -> String {
  let start = OptionProblem.unknownKey(key)
  if let near = nearMiss(of: key, among: known) { return "\(start); did you mean '\(near)'?" }
  if let place = ConfigurationKeys.places[key], place != path {
    return "\(start); it belongs \(place.isEmpty ? "at the top of the file" : "in \(place)")"
  }
  let owner = path.isEmpty ? "the file" : path
  return known.isEmpty
    ? "\(start); \(owner) has no keys" : "\(start); \(owner) knows \(known.joined(separator: ", "))"
}
