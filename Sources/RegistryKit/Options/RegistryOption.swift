/// One option of `Root`: what it is called, where its value goes, what it may be, and what it is for.
public struct RegistryOption<Root: RegistryOptions>: Sendable {
  let key: String
  /// Without the default.
  let schema: SchemaNode
  private(set) var isRequired = false
  /// Takes over a value that is right by ``schema``.
  let read: @Sendable (JSONValue, inout Root) throws(OptionProblem) -> Void
  private let placeholder: JSONValue?
  /// nil: there is none.
  let write: @Sendable (Root) -> JSONValue?

  /// An option that has a value even where nobody writes it: the one that the property has by default.
  ///
  /// - Parameters:
  ///   - key: what a person writes.
  ///   - path: the property that holds the value.
  ///   - type: what a person may write.
  ///   - summary: what it is for, in a line of Markdown.
  public init<Value>(
    _ key: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ type: OptionType<Value>,
    _ summary: String
  ) {
    self.key = key
    schema = type.schema(summary)
    placeholder = type.placeholder
    read = { (value, root) throws(OptionProblem) in root[keyPath: path] = try type.read(value) }
    write = { type.write($0[keyPath: path]) }
  }

  /// An option that has no value where nobody writes it.
  ///
  /// - Parameters:
  ///   - key: what a person writes.
  ///   - path: the property that holds the value.
  ///   - type: what a person may write.
  ///   - summary: what it is for, and what counts where it isn't there, in a line of Markdown.
  public init<Value>(
    _ key: String, _ path: any WritableKeyPath<Root, Value?> & Sendable, _ type: OptionType<Value>,
    _ summary: String
  ) {
    self.key = key
    schema = type.schema(summary)
    placeholder = type.placeholder
    read = { (value, root) throws(OptionProblem) in root[keyPath: path] = try type.read(value) }
    write = { $0[keyPath: path].map(type.write) }
  }

  /// The same option, which has to be written.
  public var required: RegistryOption {
    var option = self
    option.isRequired = true
    return option
  }

  /// What counts where the option isn't written, as `root` has it; nil where that is nothing: no text, no items.
  func standard(in root: Root) -> JSONValue? {
    switch write(root) {
    case .text("")?, .list([])?, nil: nil
    case .object([])? where schema.properties.isEmpty: nil
    case let value? where value == placeholder: nil
    case let value?: value
    }
  }
}
