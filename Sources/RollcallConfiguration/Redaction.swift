import Documents

/// What stands in the place of a secret.
let redactionMark = "<redacted>"

/// Whether the last key of `path` is one whose value is likely a secret.
func looksSecret(_ path: String) -> Bool {
  // What is within a list is called as the list is.
  let name = path.split(separator: ".").last.map { $0.prefix { $0 != "[" }.lowercased() } ?? ""
  // A file that holds a secret is no secret, and neither is a public key.
  if name.hasSuffix("file") || name.hasSuffix("path") || name.hasPrefix("public") { return false }
  return ["secret", "token", "passw", "passphrase", "credential"].contains { name.contains($0) }
    || name.hasSuffix("key") || name.hasSuffix("keys") || name == "psk"
}

/// Hides what options hold of secrets.
struct Redaction {
  /// - Parameters:
  ///   - schema: says which options are secrets; nil: their names alone do.
  ///   - name: the option's own name.
  func redact(_ node: YAMLNode, schema: SchemaNode?, name: String) -> YAMLNode {
    if schema?.isSecret == true || looksSecret(name), !node.isNull { return .text(redactionMark) }
    switch node.content {
    case .scalar(let scalar): return scalar.kind == .text ? .text(withoutPassword(scalar.text)) : node
    case .sequence(let items):
      var itemSchema: SchemaNode?
      if case .schema(let schema) = schema?.items { itemSchema = schema }
      return .list(items.map { redact($0, schema: itemSchema, name: name) })
    case .mapping(let pairs):
      return .mapping(
        pairs.map { pair in
          var valueSchema = schema?.propertyList.first { $0.name == pair.key }?.schema
          if valueSchema == nil, case .schema(let schema) = schema?.additionalProperties {
            valueSchema = schema
          }
          return (pair.key, redact(pair.value, schema: valueSchema, name: pair.key))
        })
    }
  }

  /// `https://user:word@host` without the word.
  private func withoutPassword(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://") else { return text }
    let rest = text[scheme.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@") else { return text }
    return text[..<scheme.upperBound] + redactionMark + rest[at...]
  }
}
