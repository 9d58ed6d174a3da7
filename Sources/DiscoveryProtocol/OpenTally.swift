/// How many items of what came from a service couldn't be used, by kind.
public struct OpenTally: Hashable, Sendable {
  private var counts: [OpenError.Kind: Int] = [:]

  public init() {}

  /// Counts `error`.
  public mutating func add(_ error: OpenError) { counts[error.kind, default: 0] += 1 }

  /// Counts each of `errors`.
  public mutating func add(contentsOf errors: some Sequence<OpenError>) {
    for error in errors { add(error) }
  }

  /// How many errors of `kind` were counted.
  public subscript(kind: OpenError.Kind) -> Int { counts[kind] ?? 0 }

  /// How many errors were counted.
  public var total: Int { counts.values.reduce(0, +) }
}

extension OpenTally: CustomStringConvertible {
  /// `3 not-the-key, 1 address`; empty where nothing was counted.
  public var description: String {
    OpenError.Kind.allCases.compactMap { kind in counts[kind].map { "\($0) \(kind.rawValue)" } }
      .joined(separator: ", ")
  }
}
