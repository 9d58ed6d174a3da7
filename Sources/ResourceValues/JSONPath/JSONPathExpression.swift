/// One path in the dialect of ``JSONPathTemplate``, with or without braces, whose values are wanted rather than text.
package struct JSONPathExpression: Hashable, Sendable {
  /// The path as it was written.
  package let source: String
  private let path: JSONPath

  /// - Throws: ``ResourceError`` with the column, counted from 1, and what would be right.
  package init(_ source: String) throws(ResourceError) {
    let template = try JSONPathTemplate(relaxed: source)
    guard template.parts.count == 1, case .expression(let path)? = template.parts.first else {
      throw ResourceError("a single path is needed here, such as .spec.addresses[0]")
    }
    self.source = source
    self.path = path
  }

  /// The values that the path leads to from `value`, in order; nothing where it leads nowhere.
  ///
  /// - Parameter size: how many items `value` is made of: what may be looked at grows with it.
  package func values(of value: ResourceValue, size: Int = 1) throws(ResourceError) -> [ResourceValue] {
    var evaluator = JSONPathEvaluator(root: value, size: size)
    return try evaluator.results(of: path, at: value)
  }
}
