import ClusterModel
import Platform

extension SchemaNode {
  /// Everything that is wrong with `value`, in its order.
  ///
  /// - Parameter reserved: keys that may stand beside the value's own and aren't part of it, for suggestions.
  package func problems(in value: JSONValue, reserved: [String] = []) -> [OptionProblem] {
    var validation = OptionsValidation(reserved: reserved)
    validation.check(value, self, at: [], isSecret: isSecret)
    return validation.problems
  }
}

/// Checks values against schemas.
struct OptionsValidation {
  private let reserved: [String]
  private(set) var problems: [OptionProblem] = []

  init(reserved: [String]) { self.reserved = reserved }

  mutating func check(
    _ value: JSONValue, _ schema: SchemaNode, at path: [OptionProblem.Step], isSecret: Bool
  ) {
    let value = schema.meant(by: value)
    guard schema.types.isEmpty || schema.types.contains(where: { value.isOf($0) }) else {
      return problems.append(OptionProblem(path: path, typeError(value, schema, isShown: !isSecret)))
    }
    if let choices = schema.choices, !choices.contains(where: { $0.normalized == value.normalized }) {
      return add(path, choiceError(value, choices, isShown: !isSecret))
    }
    switch value {
    case .text(let text): checkText(text, schema, path, isShown: !isSecret)
    case .number: checkNumber(value, schema, path, isShown: !isSecret)
    case .list(let items):
      checkCount(items.count, schema.minItems, schema.maxItems, "item", path)
      guard let schema = schema.itemSchema else { return }
      for (index, item) in items.enumerated() {
        check(item, schema, at: path + [.index(index)], isSecret: isSecret || schema.isSecret)
      }
    case .object(let members): checkMembers(members, schema, path, isSecret: isSecret)
    case .null, .bool: break
    }
  }

  private mutating func checkMembers(
    _ members: [JSONValue.Member], _ schema: SchemaNode, _ path: [OptionProblem.Step], isSecret: Bool
  ) {
    // A schema that says nothing of objects takes any.
    let takesAny =
      schema.additionalProperties == .any || schema.types.isEmpty && schema.properties.isEmpty
    for member in members {
      let path = path + [.key(member.key)]
      if let schema = schema.schema(of: member.key) {
        let isSecret = isSecret || schema.isSecret || looksSecret(member.key)
        check(member.value, schema, at: path, isSecret: isSecret)
      } else if !takesAny {
        let known = schema.properties.map(\.name) + (path.count == 1 ? reserved : [])
        problems.append(OptionProblem(path: path, .unknown(known: known)))
      }
    }
    for name in schema.required where !members.contains(where: { $0.key == name }) {
      problems.append(OptionProblem(path: path, .missing(name)))
    }
  }

  private mutating func checkNumber(
    _ value: JSONValue, _ schema: SchemaNode, _ path: [OptionProblem.Step], isShown: Bool
  ) {
    guard let number = value.number else {
      return add(path, value.written.mismatch(must: "a number that isn't as large", isShown: isShown))
    }
    checkRange(number, value.description, schema, path, isShown: isShown)
  }

  /// - Parameters:
  ///   - number: a number, or a duration in seconds.
  ///   - text: how it is written.
  private mutating func checkRange(
    _ number: Double, _ text: String, _ schema: SchemaNode, _ path: [OptionProblem.Step], isShown: Bool
  ) {
    let shown = isShown ? ", not \(text.prefix(40))" : ""
    if let minimum = schema.minimum, number < minimum {
      add(path, "must be at least \(schema.numberText(minimum))\(shown)")
    } else if let maximum = schema.maximum, number > maximum {
      add(path, "must be at most \(schema.numberText(maximum))\(shown)")
    }
  }

  private mutating func checkText(
    _ text: String, _ schema: SchemaNode, _ path: [OptionProblem.Step], isShown: Bool
  ) {
    if let fault = schema.format?.fault(in: text, isShown: isShown) {
      return problems.append(OptionProblem(path: path, fault))
    }
    if schema.format == .duration, let duration = try? DurationText.parse(text) {
      checkRange(duration / .seconds(1), text, schema, path, isShown: isShown)
    }
    checkCount(text.unicodeScalars.count, schema.minLength, schema.maxLength, "character", path)
  }

  private mutating func checkCount(
    _ count: Int, _ minimum: Int?, _ maximum: Int?, _ thing: String, _ path: [OptionProblem.Step]
  ) {
    if let minimum, count < minimum {
      add(path, "must have at least \(minimum) \(thing)\(minimum == 1 ? "" : "s"), it has \(count)")
    } else if let maximum, count > maximum {
      add(path, "must have at most \(maximum) \(thing)\(maximum == 1 ? "" : "s"), it has \(count)")
    }
  }

  private func typeError(
    _ value: JSONValue, _ schema: SchemaNode, isShown: Bool
  ) -> OptionProblem.Reason {
    let format = schema.types == [.string] ? schema.format : nil
    // A number lacks its unit, which is told as for text.
    if format == .duration, isShown, case .number(let digits) = value,
      let fault = OptionFormat.duration.fault(in: digits, isShown: true)
    {
      return fault
    }
    let expected = format?.expectation ?? schema.types.map(\.expectation).joined(separator: " or ")
    var message = value.written.mismatch(must: expected, isShown: isShown)
    if format == nil, schema.types.contains(.string) { message += value.written.textAdvice(isShown: isShown) }
    if schema.types == [.boolean] { message += value.written.booleanAdvice }
    if schema.types.allSatisfy({ $0 == .integer || $0 == .number }), isShown {
      message += value.written.numberAdvice
    }
    return .wrong(message)
  }

  private func choiceError(_ value: JSONValue, _ choices: [JSONValue], isShown: Bool) -> String {
    let names = choices.map(\.plainText)
    var message = value.written.mismatch(must: "one of \(names.joined(separator: ", "))", isShown: isShown)
    if isShown, let advice = value.text.flatMap({ didYouMean($0, among: names) }) { message += "; \(advice)" }
    return message
  }

  private mutating func add(_ path: [OptionProblem.Step], _ what: String) {
    problems.append(OptionProblem(path: path, .wrong(what)))
  }
}

extension JSONValue {
  fileprivate func isOf(_ type: SchemaNode.ValueType) -> Bool {
    switch (self, type) {
    case (.object, .object), (.list, .array), (.text, .string), (.bool, .boolean), (.null, .null): true
    case (.number, .number): number != nil
    case (.number, .integer): integer != nil
    default: false
    }
  }
}
