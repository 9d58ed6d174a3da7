import Documents
import RegistryKit

/// Hides what options hold of secrets.
struct Redaction {
  /// - Parameters:
  ///   - schema: says which options are secrets; nil: their names alone do.
  ///   - name: the option's own name.
  func redact(_ node: YAMLNode, schema: SchemaNode?, name: String) -> YAMLNode {
    if schema?.isSecret == true || looksSecret(name), !node.isNull { return .text(Secret.redacted) }
    switch node.content {
    case .scalar(let scalar): return scalar.kind == .text ? .text(withoutPassword(scalar.text)) : node
    case .sequence(let items):
      return .list(items.map { redact($0, schema: schema?.itemSchema, name: name) })
    case .mapping(let pairs):
      return .mapping(
        pairs.map { pair in
          (pair.key, redact(pair.value, schema: schema?.schema(of: pair.key), name: pair.key))
        })
    }
  }

  /// `https://user:word@host` without the word.
  private func withoutPassword(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://") else { return text }
    let rest = text[scheme.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@") else { return text }
    return text[..<scheme.upperBound] + Secret.redacted + rest[at...]
  }
}
