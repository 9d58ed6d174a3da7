import ClusterModel

/// Labels that are gathered until a node has no room for more.
struct LabelChoice {
  /// Those that can't be labels.
  private(set) var unusable: [String] = []
  /// Those that there is no room for.
  private(set) var further: [String] = []
  private var values: [String: String] = [:]
  private var length = 0

  /// Adds a label, if that is possible.
  mutating func add(_ key: String, _ value: String) {
    let length = length + key.utf8.count + value.utf8.count
    guard values.count < NodeLabels.maximumCount, length <= NodeLabels.maximumLength else {
      return further.append(key)
    }
    guard (try? NodeLabels([key: value])) != nil else { return unusable.append(key) }
    values[key] = value
    self.length = length
  }

  /// All that were added. Each one can be a label, and there are no more than a node may have.
  var labels: NodeLabels { (try? NodeLabels(values)) ?? NodeLabels() }
}
