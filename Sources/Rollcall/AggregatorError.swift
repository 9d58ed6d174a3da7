/// Why an aggregator can't be made, run or reloaded.
public struct AggregatorError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code as text, for programs.
    public let description: String

    /// The registries can't be run side by side as they are declared.
    public static let invalidRegistries = Code(description: "invalid-registries")
    /// An aggregator is run once.
    public static let alreadyRun = Code(description: "already-run")
  }

  /// What kind of failure it is.
  public let code: Code
  /// One line that names the thing, the value and what would be right.
  public let message: String

  /// What led to it, where that is another error.
  public let cause: (any Error)?

  /// An error with `message`, led to by `cause`.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message }
}

/// Two are equal that say the same, whatever led to them.
extension AggregatorError: Hashable {
  public static func == (left: AggregatorError, right: AggregatorError) -> Bool {
    left.code == right.code && left.message == right.message
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(message)
  }
}

/// Some registries haven't told what they know in time.
public struct SyncError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The registries that were waited for in vain, with what is wrong with them.
  public let late: [RegistryStatus]
  /// How long was waited; nil where the aggregator stopped meanwhile.
  public let timeout: Duration?

  /// An error about the registries that are `late`.
  public init(late: [RegistryStatus], timeout: Duration?) {
    self.late = late
    self.timeout = timeout
  }

  public var description: String {
    let names = late.map { status in
      "\(status.name) (\(status.error.map { "\(status.state.rawValue): \($0.message)" } ?? status.state.rawValue))"
    }
    let end = timeout.map { "within \($0)" } ?? "before the aggregator stopped"
    return "not in sync \(end): \(names.joined(separator: ", "))"
  }
}
