import CYAML
import ClusterModel

/// Makes nodes of libyaml's events.
struct DocumentReader: ~Copyable {
  private let events: EventReader
  private let file: String
  private var budget: NodeBudget
  private var anchors: [String: Anchored] = [:]
  private var anchorMarks: Set<YAMLMark> = []
  private let textTags: Set<String>

  /// What an alias stands for, and what it costs.
  private struct Anchored {
    var node: YAMLNode
    var count: Int
    var height: Int
  }

  static func read(
    _ bytes: [UInt8], file: String, limits: YAMLLimits, textTags: Set<String> = []
  ) throws(YAMLError) -> YAMLStream {
    try bytes.withUnsafeBufferPointer { (buffer) throws(YAMLError) -> YAMLStream in
      var reader = DocumentReader(
        events: try EventReader(buffer, file: file), file: file,
        budget: NodeBudget(file: file, limits: limits), textTags: textTags)
      return try reader.stream()
    }
  }

  private init(events: consuming EventReader, file: String, budget: NodeBudget, textTags: Set<String>) {
    self.textTags = textTags
    self.events = events
    self.file = file
    self.budget = budget
  }

  private mutating func stream() throws(YAMLError) -> YAMLStream {
    var documents: [YAMLNode] = []
    while true {
      let (event, mark) = try events.next()
      switch event {
      case .streamEnd:
        return YAMLStream(
          documents: documents, duplicateKeys: budget.duplicateKeys, anchorMarks: anchorMarks)
      case .documentStart: anchors = [:]
      case .streamStart, .documentEnd: break
      default: documents.append(try node(event, mark, depth: 0).node)
      }
    }
  }

  private mutating func node(
    _ event: EventReader.Event, _ mark: YAMLMark, depth: Int
  ) throws(YAMLError) -> (node: YAMLNode, height: Int) {
    let first = budget.count
    var height = 0
    let node: YAMLNode
    let properties: EventReader.Properties
    switch event {
    case .alias(let name):
      guard let anchored = anchors[name] else {
        throw error(mark, "there is no anchor \(quoted("&" + name)) before this alias")
      }
      try budget.addAlias(of: anchored.count, at: mark)
      try budget.check(depth: depth + anchored.height, at: mark)
      return (anchored.node, anchored.height)
    case .scalar(let found, let text, let style):
      try budget.addNode(at: mark)
      properties = found
      node = YAMLNode(.scalar(try scalar(text, style, tag: found.tag, mark)), mark: mark)
    case .sequenceStart(let found):
      properties = found
      try begin(depth: depth + 1, tag: found.tag, expected: YAML_SEQ_TAG, kind: "list", mark)
      var items: [YAMLNode] = []
      while true {
        let (event, mark) = try events.next()
        if case .sequenceEnd = event { break }
        let item = try self.node(event, mark, depth: depth + 1)
        items.append(item.node)
        height = max(height, item.height)
      }
      height += 1
      node = YAMLNode(.sequence(items), mark: mark)
    case .mappingStart(let found):
      properties = found
      try begin(depth: depth + 1, tag: found.tag, expected: YAML_MAP_TAG, kind: "mapping", mark)
      var pairs: [YAMLPair] = []
      var merged: [YAMLPair] = []
      while true {
        let (event, mark) = try events.next()
        if case .mappingEnd = event { break }
        let key = try key(event, mark)
        let (valueEvent, valueMark) = try events.next()
        let value = try self.node(valueEvent, valueMark, depth: depth + 1)
        if let key {
          pairs.append(YAMLPair(key: key, keyMark: mark, value: value.node))
        } else {
          merged += try mergedPairs(value.node)
        }
        height = max(height, value.height)
      }
      height += 1
      pairs = budget.unique(pairs)
      if !merged.isEmpty {
        // What is written counts, then what was merged first.
        var known = Set(pairs.map(\.key))
        pairs += merged.filter { known.insert($0.key).inserted }
      }
      node = YAMLNode(.mapping(pairs), mark: mark)
    default: throw error(mark, "it ends in the middle")
    }
    if let anchor = properties.anchor {
      anchorMarks.insert(mark)
      anchors[anchor] = Anchored(node: node, count: budget.count - first, height: height)
    }
    return (node, height)
  }

  private mutating func begin(
    depth: Int, tag: String?, expected: String, kind: String, _ mark: YAMLMark
  ) throws(YAMLError) {
    try budget.addNode(at: mark)
    try budget.check(depth: depth, at: mark)
    guard tag == nil || tag == "!" || tag == expected else {
      throw error(mark, "the tag \(quoted(tag ?? "")) isn't known for a \(kind); leave it out")
    }
  }

  /// The text of a key; nil for the merge key (https://yaml.org/type/merge.html), whose value is of other mappings.
  private mutating func key(_ event: EventReader.Event, _ mark: YAMLMark) throws(YAMLError) -> String? {
    switch event {
    case .sequenceStart, .mappingStart: throw error(mark, "a key must be text, not a list or a mapping")
    case .scalar(let properties, "<<", let style)
    where properties.tag == Self.mergeTag || properties.tag == nil && style == YAML_PLAIN_SCALAR_STYLE:
      try budget.addNode(at: mark)
      return nil
    default: break
    }
    let (node, _) = try node(event, mark, depth: 0)
    guard case .scalar(let scalar) = node.content else { throw error(mark, "a key must be text") }
    if scalar.isPlain {
      if scalar.text.isEmpty { throw error(mark, "a key is missing before ':'") }
    }
    return scalar.text
  }

  private static let mergeTag = "tag:yaml.org,2002:merge"

  /// The pairs of the mapping, or of the list of mappings, that a merge key has.
  private func mergedPairs(_ value: YAMLNode) throws(YAMLError) -> [YAMLPair] {
    if let pairs = value.pairs { return pairs }
    var all: [YAMLPair] = []
    for item in value.items ?? [value] {
      guard let pairs = item.pairs else {
        throw error(
          item.mark,
          "the merge key '<<' \(item.written.mismatch(must: "a mapping, such as *defaults, or a list of mappings"))"
        )
      }
      all += pairs
    }
    return all
  }

  private func scalar(
    _ text: String, _ style: yaml_scalar_style_t, tag: String?, _ mark: YAMLMark
  ) throws(YAMLError) -> YAMLScalar {
    let isPlain = style == YAML_PLAIN_SCALAR_STYLE
    guard let tag else { return YAMLScalar(text, isPlain: isPlain) }
    let plain = YAMLScalar(text, isPlain: true)
    let fits: Bool
    switch tag {
    case "!", YAML_STR_TAG: return YAMLScalar(text, isPlain: false)
    case _ where textTags.contains(tag): return YAMLScalar(text, isPlain: false)
    case YAML_NULL_TAG: fits = plain.kind == .null
    case YAML_BOOL_TAG: fits = plain.kind == .bool
    case YAML_INT_TAG: fits = plain.kind == .integer
    case YAML_FLOAT_TAG: fits = plain.kind == .integer || plain.kind == .number
    default: throw error(mark, "the tag \(quoted(tag)) isn't known; leave it out")
    }
    if !fits { throw error(mark, "what is written isn't what its tag \(quoted(tag)) says") }
    return plain
  }

  private func error(_ mark: YAMLMark, _ message: String) -> YAMLError {
    YAMLError(file: file, mark: mark, message: message)
  }
}
