import ClusterModel

/// Labels as they are read one by one: those that can't be taken are left out, and the others are kept.
struct LabelDraft {
  private var values: [String: String] = [:]
  private var length = 0

  /// Adds a label. The first one of a key counts.
  ///
  /// - Throws: what keeps it out.
  mutating func add(_ key: String, _ value: String) throws(ModelError) {
    guard values[key] == nil else { return }
    _ = try NodeLabels([key: value])
    guard values.count < NodeLabels.maximumCount else {
      throw ModelError("a node has at most \(NodeLabels.maximumCount) labels; \(quoted(key)) is left out")
    }
    let length = length + key.utf8.count + value.utf8.count
    guard length <= NodeLabels.maximumLength else {
      throw ModelError(
        "a node's labels have at most \(NodeLabels.maximumLength) bytes; \(quoted(key)) is left out")
    }
    self.length = length
    values[key] = value
  }

  /// What was taken. Empty where it can't be, as each was checked.
  var labels: NodeLabels { (try? NodeLabels(values)) ?? NodeLabels() }
}
