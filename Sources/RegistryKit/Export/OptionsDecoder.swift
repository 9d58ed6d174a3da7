/// Decodes a plugin's options, and tells what is wrong in words for the person who wrote them.
enum OptionsDecoder {
  static func decode<Options: Decodable>(
    _ type: Options.Type, from json: String
  ) throws(RegistryError) -> Options {
    let value = try OptionsSchema.object(json)
    do {
      return try type.init(from: OptionDecoder(value))
    } catch let error as RegistryError {
      throw error
    } catch let error as DecodingError {
      throw RegistryError(.invalidArgument, describe(error), cause: error)
    } catch {
      throw RegistryError(.invalidArgument, "the options can't be used: \(error)", cause: error)
    }
  }

  /// What a type says of a value that it doesn't take.
  private static func describe(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      OptionProblem(path: context.codingPath.map(\.step), .missing(key.stringValue)).message
    case .valueNotFound(_, let context), .typeMismatch(_, let context), .dataCorrupted(let context):
      describe(context)
    @unknown default: "the options can't be used"
    }
  }

  private static func describe(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map(\.step)
    if context.codingPath.contains(where: { looksSecret($0.stringValue) }) {
      return OptionProblem(path: path, .wrong("can't be used; its value isn't shown, as it may be a secret"))
        .message
    }
    let name = OptionProblem.name(of: path, in: "")
    return name.isEmpty
      ? "the options can't be used: \(context.debugDescription)"
      : "option '\(name)': \(context.debugDescription)"
  }
}
