import ClusterModel

/// Counts what a text has asked for against its limits, and collects the keys that it repeats.
struct NodeBudget {
  let file: String
  let limits: YAMLLimits
  private var nodes = 0
  private var aliasedNodes = 0
  private(set) var duplicateKeys: [YAMLError] = []

  init(file: String, limits: YAMLLimits) {
    self.file = file
    self.limits = limits
  }

  /// The number of nodes so far.
  var count: Int { nodes }

  mutating func addNode(at mark: YAMLMark) throws(YAMLError) {
    nodes += 1
    if nodes > limits.nodes {
      throw YAMLError(file: file, mark: mark, message: "the text has more than \(limits.nodes) nodes")
    }
  }

  /// Counts the `count` nodes that an alias stands for.
  mutating func addAlias(of count: Int, at mark: YAMLMark) throws(YAMLError) {
    nodes += count
    aliasedNodes += count
    if aliasedNodes > limits.aliasedNodes || nodes > limits.nodes {
      throw YAMLError(
        file: file, mark: mark,
        message: "the text's aliases stand for more than \(limits.aliasedNodes) nodes")
    }
  }

  func check(depth: Int, at mark: YAMLMark) throws(YAMLError) {
    if depth > limits.depth {
      throw YAMLError(
        file: file, mark: mark, message: "lists and mappings are more than \(limits.depth) levels deep")
    }
  }

  /// `pairs` without those whose key came before, which are reported.
  mutating func unique(_ pairs: [YAMLPair]) -> [YAMLPair] {
    var places: [String: YAMLMark] = [:]
    places.reserveCapacity(pairs.count)
    return pairs.filter { pair in
      guard let first = places[pair.key] else {
        places[pair.key] = pair.keyMark
        return true
      }
      if duplicateKeys.count < limits.duplicateKeys {
        duplicateKeys.append(
          YAMLError(
            file: file, mark: pair.keyMark,
            message:
              "the key \(quoted(pair.key)) is here again; it is first at \(file):\(first.line):\(first.column)"
          ))
      }
      return false
    }
  }
}
