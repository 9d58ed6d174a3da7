/// A request for a resource that can't be understood: the fault of who asked.
public struct ResourceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line that names the value and what would be right.
  public let message: String

  /// An error with `message`.
  public init(_ message: String) { self.message = message }

  public var description: String { message }
}
