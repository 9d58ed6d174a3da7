/// Finds what a path says in a resource. What it may cost is bounded, whatever the path.
struct JSONPathEvaluator {
  let root: ResourceValue
  /// How many more values may be looked at; printing costs too.
  private var budget: Int
  /// Whether an expression has found something.
  private(set) var hasMatched = false
  /// The most bytes that may be printed of one resource.
  private static let maximumText = 16 << 20

  /// - Parameter size: how many resources `root` is made of.
  init(root: ResourceValue, size: Int) {
    self.root = root
    budget = 100_000 + 1_000 * min(max(0, size), 1_000_000)
  }

  /// What `parts` make of `current`.
  mutating func text(of parts: [JSONPathPart], at current: ResourceValue) throws(ResourceError) -> String {
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .expression(let path):
        var isFirst = true
        for result in try results(of: path, at: current) {
          hasMatched = true
          if !isFirst { text += " " }
          isFirst = false
          let written = result.scalarText?.shown ?? JSONText.compact(result)
          try spend(1 + written.utf8.count / 16)
          text += written
          try check(text)
        }
      case .range(let path, let parts):
        for item in try results(of: path, at: current) {
          text += try self.text(of: parts, at: item)
          try check(text)
        }
      }
    }
    return text
  }

  /// The values that `path` leads to, in order.
  mutating func results(
    of path: JSONPath, at current: ResourceValue
  ) throws(ResourceError) -> [ResourceValue] {
    var values = [path.start == .root ? root : current]
    for step in path.steps {
      var next: [ResourceValue] = []
      for value in values { try follow(step, from: value, into: &next) }
      values = next
    }
    return values
  }

  private mutating func follow(
    _ step: JSONPathStep, from value: ResourceValue, into found: inout [ResourceValue]
  ) throws(ResourceError) {
    try spend()
    switch step {
    case .field(let name):
      if let field = value[name] { found.append(field) }
    case .quotedField(let name):
      if let field = Self.field(quoted: name, of: value) { found.append(field) }
    case .wildcard: found += value.children
    case .descent: try descend(into: value, &found)
    case .union(let steps):
      for step in steps { try follow(step, from: value, into: &found) }
    case .index(let index):
      guard case .list(let items) = value else { return }
      // Counted from the end where it is negative; the comparison comes first so that nothing overflows.
      let place = index < 0 ? (index >= -items.count ? items.count + index : -1) : index
      if items.indices.contains(place) { found.append(items[place]) }
    case .slice(let start, let end, let step):
      guard case .list(let items) = value else { return }
      let from = Self.bound(start ?? 0, count: items.count)
      let to = Self.bound(end ?? items.count, count: items.count)
      guard from < to else { return }
      for index in stride(from: from, to: to, by: min(step, items.count)) { found.append(items[index]) }
    case .filter(let filter):
      for item in value.children where try matches(item, filter) { found.append(item) }
    }
  }

  private mutating func descend(
    into value: ResourceValue, _ found: inout [ResourceValue]
  ) throws(ResourceError) {
    // With a list of what is still to do in place of recursion: depth costs no stack.
    var remaining = [value]
    while let next = remaining.popLast() {
      try spend()
      found.append(next)
      remaining += next.children.reversed()
    }
  }

  private mutating func matches(
    _ item: ResourceValue, _ filter: JSONPathFilter
  ) throws(ResourceError) -> Bool {
    try spend()
    switch filter {
    case .exists(let path): return try !results(of: path, at: item).isEmpty
    case .comparison(let left, let comparison, let right):
      let leftValues = try values(of: left, at: item)
      let rightValues = try values(of: right, at: item)
      return leftValues.contains { left in
        rightValues.contains { Self.compare(left, comparison, $0) }
      }
    }
  }

  private mutating func values(
    of operand: JSONPathFilter.Operand, at item: ResourceValue
  ) throws(ResourceError) -> [ResourceValue] {
    switch operand {
    case .literal(let value): [value]
    case .path(let path): try results(of: path, at: item)
    }
  }

  /// Values of different kinds are unequal, and none is less than the other.
  private static func compare(
    _ left: ResourceValue, _ comparison: JSONPathFilter.Operator, _ right: ResourceValue
  ) -> Bool {
    let isLess: Bool?
    switch (left, right) {
    case (.integer(let left), .integer(let right)): isLess = left < right
    case (.text(let left), .text(let right)): isLess = left < right
    case (.time(let left), .time(let right)): isLess = left < right
    case (.time(let left), .text(let right)):
      return compare(.text(left.description), comparison, .text(right))
    case (.text(let left), .time(let right)):
      return compare(.text(left), comparison, .text(right.description))
    default: isLess = nil
    }
    switch comparison {
    case .equal: return left == right
    case .notEqual: return left != right
    case .less: return isLess ?? false
    case .lessOrEqual: return left == right || isLess ?? false
    case .greater: return left != right && isLess.map { !$0 } ?? false
    case .greaterOrEqual: return left == right || isLess.map { !$0 } ?? false
    }
  }

  /// The field that a name in quotes means: one of exactly that name, else a path of names.
  private static func field(quoted name: String, of value: ResourceValue) -> ResourceValue? {
    if let field = value[name] { return field }
    var names = [""]
    var isEscaped = false
    for character in name {
      if isEscaped {
        names[names.count - 1].append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "." {
        names.append("")
      } else {
        names[names.count - 1].append(character)
      }
    }
    var found = value
    for name in names {
      guard let next = found[name] else { return nil }
      found = next
    }
    return found
  }

  /// `index` as a place in a list of `count` items, counted from the end where it is negative.
  private static func bound(_ index: Int, count: Int) -> Int {
    index < 0 ? max(0, count - Int(min(index.magnitude, UInt(count)))) : min(index, count)
  }

  private func check(_ text: String) throws(ResourceError) {
    guard text.utf8.count <= Self.maximumText else {
      throw ResourceError(
        "the jsonpath expression prints more than \(Self.maximumText >> 20) MiB of a resource")
    }
  }

  private mutating func spend(_ cost: Int = 1) throws(ResourceError) {
    budget -= cost
    guard budget >= 0 else { throw ResourceError("the jsonpath expression looks at too many values") }
  }
}
