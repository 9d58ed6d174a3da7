/// What the checks of a registry found.
public struct ConformanceReport: Hashable, Sendable, CustomStringConvertible {
  /// Each check, in the order in which they are made.
  public let checks: [ConformanceCheck]
  /// What was seen of the registry.
  public let observation: RegistryObservation

  /// A report of `checks`, with nothing seen.
  public init(checks: [ConformanceCheck]) { self.init(checks: checks, observation: RegistryObservation()) }

  init(checks: [ConformanceCheck], observation: RegistryObservation) {
    self.checks = checks
    self.observation = observation
  }

  /// The same with `check` before the others.
  public func adding(_ check: ConformanceCheck) -> ConformanceReport {
    ConformanceReport(checks: [check] + checks, observation: observation)
  }

  /// Whether no check failed.
  public var isPassed: Bool { failures.isEmpty }

  /// The checks that failed.
  public var failures: [ConformanceCheck] {
    checks.filter { if case .failed = $0.result { true } else { false } }
  }

  /// One line for each check and one for all, without a newline at the end.
  public var description: String {
    let skipped = checks.count { if case .skipped = $0.result { true } else { false } }
    let passed = checks.count - skipped - failures.count
    let total = "\(passed) passed, \(failures.count) failed, \(skipped) skipped"
    return (checks.map(\.description) + [total]).joined(separator: "\n")
  }
}

/// One check of a registry.
public struct ConformanceCheck: Hashable, Sendable, CustomStringConvertible {
  /// How a check went.
  public enum Result: Hashable, Sendable {
    /// The rule is kept.
    case passed
    /// What was wrong.
    case failed(String)
    /// Why it couldn't be made.
    case skipped(String)
  }

  /// The rule, in plain words.
  public let name: String
  /// How it went.
  public let result: Result

  /// The check called `name`.
  public init(_ name: String, _ result: Result) {
    self.name = name
    self.result = result
  }

  public var description: String {
    switch result {
    case .passed: "ok    \(name)"
    case .failed(let reason): "FAIL  \(name): \(reason)"
    case .skipped(let reason): "skip  \(name): \(reason)"
    }
  }
}
