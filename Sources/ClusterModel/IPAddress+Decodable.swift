// Addresses are written as text wherever they are written, so that is what they are decoded from.

extension IPAddress: Decodable {
  public init(from decoder: any Decoder) throws {
    self = try decoder.text { (text) throws(ModelError) in try IPAddress(text) }
  }
}

extension IPPrefix: Decodable {
  public init(from decoder: any Decoder) throws {
    self = try decoder.text { (text) throws(ModelError) in try IPPrefix(text) }
  }
}

extension IPEndpoint: Decodable {
  public init(from decoder: any Decoder) throws {
    self = try decoder.text { (text) throws(ModelError) in try IPEndpoint(text) }
  }
}

extension Decoder {
  /// What `convert` makes of the one text that the decoder holds.
  fileprivate func text<Value>(_ convert: (String) throws(ModelError) -> Value) throws -> Value {
    let text = try singleValueContainer().decode(String.self)
    do throws(ModelError) {
      return try convert(text)
    } catch {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: codingPath, debugDescription: error.message, underlyingError: error)
      )
    }
  }
}
