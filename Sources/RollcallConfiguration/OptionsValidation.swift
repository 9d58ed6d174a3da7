public import Documents
import Platform

extension OptionsSchema {
  /// What is wrong with `options`, a mapping, each at its place.
  ///
  /// - Parameters:
  ///   - file: how errors name the file.
  ///   - path: the keys to the options, for messages: `cluster.discovery.registries.racks`.
  public func validate(options: YAMLNode, file: String, path: String = "options") -> [ConfigurationError] {
    OptionsValidation(file: file, reserved: ConfigurationKeys.registry).errors(
      options, root, path: path, isRoot: true)
  }
}

/// Checks values against schemas.
struct OptionsValidation {
  let file: String
  /// Keys that stand beside the options, for suggestions.
  let reserved: [String]

  func errors(
    _ node: YAMLNode, _ schema: SchemaNode, path: String, isRoot: Bool = false, isSecret: Bool = false
  ) -> [ConfigurationError] {
    let isSecret = isSecret || schema.isSecret || !isRoot && looksSecret(path)
    guard schema.types.isEmpty || schema.types.contains(where: { node.isOf($0) }) else {
      return [typeError(node, schema, path, isShown: !isSecret)]
    }
    if let choices = schema.choices, !choices.contains(YAML.json(of: node.sorted)) {
      return [choiceError(node, choices, path, isShown: !isSecret)]
    }
    switch node.content {
    case .scalar(let scalar):
      return scalarErrors(node, scalar, schema, path, isShown: !isSecret)
    case .sequence(let items):
      var errors = countErrors(items.count, schema.minItems, schema.maxItems, "item", node, path)
      if case .schema(let schema) = schema.items {
        for (index, item) in items.enumerated() {
          errors += self.errors(item, schema, path: "\(path)[\(index)]", isSecret: isSecret)
        }
      }
      return errors
    case .mapping(let pairs):
      return objectErrors(pairs, node, schema, path, isRoot: isRoot, isSecret: isSecret)
    }
  }

  private func objectErrors(
    _ pairs: [YAMLPair], _ node: YAMLNode, _ schema: SchemaNode, _ path: String, isRoot: Bool, isSecret: Bool
  ) -> [ConfigurationError] {
    var errors: [ConfigurationError] = []
    // A schema that says nothing of objects takes any.
    let takesAny = schema.types.isEmpty && schema.propertyList.isEmpty
    for pair in pairs {
      if let property = schema.propertyList.first(where: { $0.name == pair.key }) {
        errors += self.errors(pair.value, property.schema, path: "\(path).\(pair.key)", isSecret: isSecret)
        continue
      }
      switch schema.additionalProperties {
      case .any: break
      case .schema(let schema):
        errors += self.errors(pair.value, schema, path: "\(path).\(pair.key)", isSecret: isSecret)
      case .none where takesAny: break
      case .none:
        let known = schema.propertyList.map(\.name) + (isRoot ? reserved : [])
        errors.append(error(pair.keyMark, unknownKey(pair.key, in: path, known: known)))
      }
    }
    for name in schema.required where !pairs.contains(where: { $0.key == name }) {
      errors.append(error(node.mark, "\(path) needs the key '\(name)'"))
    }
    return errors
  }

  private func scalarErrors(
    _ node: YAMLNode, _ scalar: YAMLScalar, _ schema: SchemaNode, _ path: String, isShown: Bool
  ) -> [ConfigurationError] {
    if let number = scalar.number {
      if let minimum = schema.minimum, !(number >= minimum) {
        return [error(node.mark, "\(path) must be at least \(plain(minimum))\(shown(node, isShown))")]
      }
      if let maximum = schema.maximum, !(number <= maximum) {
        return [error(node.mark, "\(path) must be at most \(plain(maximum))\(shown(node, isShown))")]
      }
    }
    guard let text = node.string else { return [] }
    if let format = schema.format, !format.matches(text) {
      let message =
        isShown && format.isShown
        ? mismatch(path, must: format.expectation, not: node) : "\(path) isn't \(format.expectation)"
      return [error(node.mark, message)]
    }
    return countErrors(
      text.unicodeScalars.count, schema.minLength, schema.maxLength, "character", node, path)
  }

  private func countErrors(
    _ count: Int, _ minimum: Int?, _ maximum: Int?, _ thing: String, _ node: YAMLNode, _ path: String
  ) -> [ConfigurationError] {
    if let minimum, count < minimum {
      return [
        error(
          node.mark,
          "\(path) must have at least \(minimum) \(thing)\(minimum == 1 ? "" : "s"), it has \(count)")
      ]
    }
    if let maximum, count > maximum {
      return [
        error(
          node.mark,
          "\(path) must have at most \(maximum) \(thing)\(maximum == 1 ? "" : "s"), it has \(count)")
      ]
    }
    return []
  }

  private func typeError(
    _ node: YAMLNode, _ schema: SchemaNode, _ path: String, isShown: Bool
  ) -> ConfigurationError {
    var expected = schema.types.map(\.expectation).joined(separator: " or ")
    if schema.types == [.string], let format = schema.format { expected = format.expectation }
    var message = mismatch(path, must: expected, not: node, isShown: isShown)
    if schema.types == [.boolean] { message += booleanAdvice(for: node) }
    if schema.types.contains(.string) { message += textAdvice(for: node, isShown: isShown) }
    if schema.types.allSatisfy({ $0 == .integer || $0 == .number }), isShown, let text = node.string,
      YAMLScalar(text, isPlain: true).number != nil
    {
      message += " in quotes; write \(text)"
    }
    return error(node.mark, message)
  }

  private func choiceError(
    _ node: YAMLNode, _ choices: [String], _ path: String, isShown: Bool
  ) -> ConfigurationError {
    // Texts are shown as they are written, without the quotes that they have in JSON.
    let names = choices.map { $0.hasPrefix("\"") ? String($0.dropFirst().dropLast()) : $0 }
    var message = mismatch(path, must: "one of \(names.joined(separator: ", "))", not: node, isShown: isShown)
    if isShown, let near = node.string.flatMap({ nearMiss(of: $0, among: names) }) {
      message += "; did you mean '\(near)'?"
    }
    return error(node.mark, message)
  }

  private func shown(_ node: YAMLNode, _ isShown: Bool) -> String {
    isShown ? ", not \(node.scalar?.text ?? "")" : ""
  }

  private func plain(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }

  private func error(_ mark: YAMLMark, _ message: String) -> ConfigurationError {
    ConfigurationError(file: file, mark: mark, message: message)
  }
}

extension YAMLNode {
  fileprivate func isOf(_ type: SchemaNode.ValueType) -> Bool {
    switch (content, type) {
    case (.mapping, .object), (.sequence, .array): true
    case (.scalar(let scalar), .string): scalar.kind == .text
    case (.scalar(let scalar), .integer):
      scalar.kind == .integer && scalar.integer != nil
    case (.scalar(let scalar), .number): scalar.number?.isFinite == true
    case (.scalar(let scalar), .boolean): scalar.kind == .bool
    case (.scalar(let scalar), .null): scalar.kind == .null
    default: false
    }
  }
}

extension SchemaNode.ValueType {
  fileprivate var expectation: String {
    switch self {
    case .object: "a mapping"
    case .array: "a list"
    case .string: "text"
    case .integer: "a whole number"
    case .number: "a number"
    case .boolean: "true or false"
    case .null: "empty"
    }
  }
}
