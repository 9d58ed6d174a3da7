/// Why a list or a watch of Nodes can't be read, or what the server answered in its place.
package struct NodeDecodeError: Error, Hashable, Sendable {
  /// What kind of failure it is. More may come: treat one that you don't know as ``malformed``.
  package struct Code: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Not JSON.
    package static let malformed = Code(description: "malformed")
    /// A string isn't UTF-8.
    package static let invalidUTF8 = Code(description: "invalid-utf8")
    /// More than ``JSONScanner/maximumDepth`` objects and arrays within each other.
    package static let tooDeep = Code(description: "too-deep")
    /// One object is longer than the decoder takes.
    package static let tooLong = Code(description: "too-long")
    /// The stream ended within an object, or before there was one.
    package static let truncated = Code(description: "truncated")
    /// JSON, but a field that must be understood has another type or is missing.
    package static let unexpected = Code(description: "unexpected")
    /// A whole Status object came in place of a list: ``NodeDecodeError/status`` has it.
    package static let status = Code(description: "status")
  }

  /// What the API server says of a request that it didn't serve.
  package struct Status: Hashable, Sendable {
    /// As of HTTP; 0 where the server gave none.
    package var code: Int
    /// For a program: `Expired`, `Forbidden`.
    package var reason: String
    /// For a person.
    package var message: String

    package init(code: Int, reason: String, message: String) {
      self.code = code
      self.reason = reason
      self.message = message
    }
  }

  package let code: Code
  /// One line: what was found and what would be right. Nothing that the server sent, but for a Status.
  package let message: String
  /// Where in the stream, counted in bytes from its beginning.
  package let offset: Int
  /// What the server said, for ``Code/status``.
  package let status: Status?

  package init(_ code: Code, _ message: String, at offset: Int, status: Status? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
    self.status = status
  }
}

extension NodeDecodeError: CustomStringConvertible {
  package var description: String { status == nil ? "byte \(offset): \(message)" : message }
}
