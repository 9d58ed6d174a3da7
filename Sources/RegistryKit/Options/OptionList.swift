/// The options of `Root`, in the order in which people are shown them.
public struct OptionList<Root: RegistryOptions>: Sendable {
  /// The schema of the options.
  public let schema: OptionsSchema
  private let options: [RegistryOption<Root>]

  /// The options that `options` lists, each key once.
  public init(@Builder _ options: () -> [RegistryOption<Root>]) {
    self.options = options()
    let standard = Root()
    var node = SchemaNode(.object)
    for option in self.options {
      var schema = option.schema
      if !option.isRequired, !schema.isSecret { schema.defaultValue = option.standard(in: standard) }
      node.properties.append(SchemaNode.Property(name: option.key, schema: schema))
      if option.isRequired { node.required.append(option.key) }
    }
    schema = OptionsSchema(root: node)
  }

  /// The options that `value` holds.
  ///
  /// - Parameter path: the way to the value, where it is within others.
  func read(_ value: JSONValue, at path: [OptionProblem.Step] = []) throws(RegistryError) -> Root {
    try check(value, at: path)
    do throws(OptionProblem) {
      return try fields(of: value)
    } catch {
      throw RegistryError(problems: [OptionProblem(path: path + error.path, error.reason)])
    }
  }

  /// The options that `value`, which is right by ``schema``, holds.
  func fields(of value: JSONValue) throws(OptionProblem) -> Root {
    var root = Root()
    for option in options {
      guard let value = value[option.key] else { continue }
      do throws(OptionProblem) {
        try option.read(value, &root)
      } catch {
        throw OptionProblem(path: [.key(option.key)] + error.path, error.reason)
      }
    }
    return root
  }

  /// `root` as a person would write it: what is as it is by default is left out, unless it is required.
  func write(_ root: Root) -> JSONValue {
    let standard = Root()
    return .object(
      options.compactMap { option in
        let value = option.write(root)
        guard option.isRequired || value != option.write(standard) else { return nil }
        return value.map { JSONValue.Member(option.key, $0) }
      })
  }

  func check(_ value: JSONValue, at path: [OptionProblem.Step] = []) throws(RegistryError) {
    let problems = schema.root.problems(in: value)
    guard problems.isEmpty else {
      throw RegistryError(problems: problems.map { OptionProblem(path: path + $0.path, $0.reason) })
    }
  }

  /// Lists options one below the other.
  @resultBuilder
  public enum Builder {
    public static func buildExpression(_ option: RegistryOption<Root>) -> RegistryOption<Root> { option }

    public static func buildBlock(_ options: RegistryOption<Root>...) -> [RegistryOption<Root>] { options }
  }
}

extension RegistryError {
  /// All of `problems` in one line.
  init(problems: [OptionProblem]) {
    self.init(.invalidArgument, problems.map(\.message).joined(separator: "; "))
  }
}
