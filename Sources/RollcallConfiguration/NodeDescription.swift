import Documents
import RegistryKit

/// The message for a value that isn't what it must be: what it is, and how to write it where that is clear.
///
/// - Parameters:
///   - path: the key with the sections that it is in.
///   - expected: what the value must be: "a list", "true or false".
///   - isShown: whether the value may stand in the message.
func mismatch(_ path: String, must expected: String, not node: YAMLNode, isShown: Bool = true) -> String {
  "\(path) \(JSONValue(node).mismatch(must: expected, isShown: isShown))"
}

/// What to write for `node` where `true` or `false` is expected, if that is clear: `; write true`.
func booleanAdvice(for node: YAMLNode) -> String { JSONValue(node).booleanAdvice }

/// What to write for `node` where text is expected.
func textAdvice(for node: YAMLNode, isShown: Bool) -> String { JSONValue(node).textAdvice(isShown: isShown) }
