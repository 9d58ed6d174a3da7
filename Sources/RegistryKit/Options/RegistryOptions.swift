/// What a person may write in the section of a plugin's registry, declared once.
///
/// The options' schema, their decoding, defaults, checks and the README's table follow from the declaration.
/// What counts where an option isn't written is the property's own default value.
///
/// ```swift
/// struct RackOptions: RegistryOptions {
///   var url = ""
///   var interval = Duration.seconds(30)
///   var token: Secret?
///
///   static let options = OptionList<Self> {
///     RegistryOption("url", \.url, .uri, "where the rack's inventory is").required
///     RegistryOption("interval", \.interval, .duration(in: .seconds(1) ... .seconds(3600)), "how often")
///     RegistryOption("token", \.token, .secret, "what the inventory asks for")
///   }
/// }
/// ```
///
/// The plugin's descriptor takes ``schema``. A type may be the value of another one's option (`.object`), but
/// not of its own.
public protocol RegistryOptions: Decodable, Sendable {
  /// The options where nothing is written. What a required one has here never counts.
  init()

  /// Every option.
  static var options: OptionList<Self> { get }
}

extension RegistryOptions {
  /// The options' JSON Schema as JSON text, for ``RegistryDescriptor/optionsSchema``; the same each time.
  public static var schema: String { options.schema.json }

  /// Options that a program makes: `StaticFileOptions { $0.path = "nodes.yaml" }`.
  public init(_ set: (inout Self) throws -> Void) rethrows {
    self.init()
    try set(&self)
  }

  /// The options that `json`, a JSON object, holds.
  ///
  /// - Throws: all that is wrong: the option, its value unless it is secret, and what would be right.
  public init(json: String) throws(RegistryError) {
    self = try Self.options.read(try OptionsSchema.object(json))
  }

  /// The options that `decoder` holds.
  ///
  /// - Throws: ``RegistryError`` with all that is wrong, as ``init(json:)``.
  public init(from decoder: any Decoder) throws {
    let path = decoder.codingPath.map { $0.step }
    self = try Self.options.read(try JSONValue(from: decoder), at: path)
  }

  /// Checks options that a program made as those that a person wrote are checked.
  ///
  /// - Throws: all that is wrong, a ``RegistryError/Code/invalidArgument``.
  public func check() throws(RegistryError) {
    try Self.options.check(Self.options.write(self))
  }
}
