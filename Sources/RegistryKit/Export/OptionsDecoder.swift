import FoundationEssentials

/// Decodes a plugin's options, and tells what is wrong in words for the person who wrote them.
enum OptionsDecoder {
  static func decode<Options: Decodable>(_ type: Options.Type, from json: String) throws(RegistryError)
    -> Options
  {
    do {
      return try JSONDecoder().decode(type, from: Data(json.utf8))
    } catch let error as DecodingError {
      throw RegistryError(.invalidArgument, describe(error))
    } catch {
      throw RegistryError(.invalidArgument, "the options can't be used: \(error)")
    }
  }

  private static func describe(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "option '\(path(context.codingPath + [key]))' is missing"
    case .valueNotFound(let type, let context):
      "option '\(path(context.codingPath))' has no value; it should be \(name(type))"
    case .typeMismatch(let type, let context):
      context.codingPath.isEmpty
        ? "the options should be \(name(type))"
        : "option '\(path(context.codingPath))' should be \(name(type))"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "the options can't be used: \(context.debugDescription)"
        : "option '\(path(context.codingPath))': \(context.debugDescription)"
    @unknown default: "the options can't be used"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    var path = ""
    for key in keys {
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
    return path
  }

  private static func name(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Bool.Type: "true or false"
    case is any FixedWidthInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is [Any].Type: "a list"
    case is [String: Any].Type: "an object"
    default: "\(type)"
    }
  }
}
