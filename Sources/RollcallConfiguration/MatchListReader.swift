import ClusterModel
import Documents
import RegistryKit

/// Reads `match:` of a registry: by what its records without an identity are joined to nodes, what says most first.
struct MatchListReader {
  let section: FieldReader

  /// The list; nil where there is none. What is wrong is reported, and left out.
  func read() -> [MatchKey]? {
    guard let items = section.items("match", of: "what records are matched by", maximum: 64) else {
      return nil
    }
    var keys: [MatchKey] = []
    for (index, item) in items.enumerated() {
      let name = "\(section.name(of: "match"))[\(index)]"
      do throws(ModelError) {
        let key = try key(item)
        if keys.contains(where: { $0.field == key.field }) {
          throw ModelError("\(key.field) is in the list already; each is compared once")
        }
        keys.append(key)
      } catch {
        section.error(item.mark, "\(name): \(error)")
      }
    }
    return keys
  }

  /// `nodename`, `label:serial`, or `hostname: short`.
  private func key(_ item: YAMLNode) throws(ModelError) -> MatchKey {
    if let scalar = item.scalar, !item.isNull { return MatchKey(try MatchField(scalar.text)) }
    guard let pairs = item.pairs, pairs.count == 1, let form = pairs[0].value.scalar else {
      throw ModelError(
        "it \(item.written.mismatch(must: "a name, or one with its form as in hostname: short"))")
    }
    if pairs[0].key == "label" {
      throw ModelError("a label's key follows at once, without a space: label:\(form.text)")
    }
    return try MatchKey(MatchField(pairs[0].key), form: form.text)
  }
}
