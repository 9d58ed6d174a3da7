import Platform

/// Which fields a document must have: `status.state=missing,spec.machineType!=worker`.
public struct FieldSelector: Hashable, Sendable {
  private struct Requirement: Hashable, Sendable {
    let path: String
    let value: String
    let isEqual: Bool
  }

  private let requirements: [Requirement]

  /// The selector written as `text`, of documents of `type`; an empty one selects everything.
  ///
  /// - Throws: ``ResourceError`` that names the part that isn't understood, and what would be right.
  public init(_ text: String, of type: ResourceType) throws(ResourceError) {
    guard text.utf8.count <= LabelSelector.maximumLength else {
      throw ResourceError(
        "a field selector has at most \(LabelSelector.maximumLength) bytes, not \(text.utf8.count)")
    }
    var requirements: [Requirement] = []
    let known = type.selectableFields.map(\.text)
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let part = part.trimmed
      if part.isEmpty, !text.contains(",") { continue }
      guard let equals = part.firstIndex(of: "=") else {
        throw ResourceError("'\(part.shown)' isn't understood: write FIELD=VALUE or FIELD!=VALUE")
      }
      var path = part[..<equals]
      var value = part[part.index(after: equals)...]
      let isUnequal = path.hasSuffix("!")
      if isUnequal { path = path.dropLast() } else if value.hasPrefix("=") { value = value.dropFirst() }
      let name = path.trimmed
      guard known.contains(name) else {
        let near = didYouMean(name, among: known) ?? "the fields are \(known.joined(separator: ", "))"
        throw ResourceError(
          "\(type.plural) can't be selected by '\(String(name.prefix(80)).shown)': \(near)")
      }
      requirements.append(Requirement(path: name, value: value.trimmed, isEqual: !isUnequal))
    }
    self.requirements = requirements
  }

  /// Whether it selects everything.
  public var isEmpty: Bool { requirements.isEmpty }

  /// Whether `document` is selected.
  public func matches(_ document: SelectableFields) -> Bool {
    requirements.allSatisfy { document.field($0.path, has: $0.value) == $0.isEqual }
  }
}
