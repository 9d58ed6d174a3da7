public import Logging
public import RegistryKit

/// The rules that every registry must keep, checked against one: a Swift value, or a plugin that has been loaded.
///
/// ```swift
/// let report = await RegistryConformance.check { Rack(host: "10.0.0.1") }
/// #expect(report.isPassed, "\(report)")
/// ```
public enum RegistryConformance {
  /// How to break what a registry asks, and to mend it: a file removed, a server stopped.
  public struct Sabotage: Sendable {
    let harm: @Sendable () async throws -> Void
    let mend: @Sendable () async throws -> Void

    /// How a source is broken and mended; what either throws fails the check.
    public init(
      break harm: @escaping @Sendable () async throws -> Void,
      mend: @escaping @Sendable () async throws -> Void
    ) {
      self.harm = harm
      self.mend = mend
    }
  }

  /// Checks the registry that `make` makes. Nothing is left running, unless the registry doesn't end.
  ///
  /// Where it never has a first snapshot, or doesn't end, that is the one failure, within `deadline` and at most
  /// three seconds more for its end; the checks that would fail for the same cause are skipped.
  ///
  /// - Parameters:
  ///   - sabotage: how its source is broken and mended, for the check that a failure keeps data; nil skips it.
  ///   - publication: what a registry that publishes is given, and then withdraws; nil skips that check, as it
  ///     is seen by others.
  ///   - deadline: how long each thing that must happen may take.
  ///   - quietTime: how long to watch for what must not come.
  ///   - make: makes a new registry of the same kind each time.
  public static func check(
    sabotage: Sabotage? = nil, publication: Publication? = nil, deadline: Duration = .seconds(10),
    quietTime: Duration = .milliseconds(200), clock: any Clock<Duration> = ContinuousClock(),
    _ make: @escaping @Sendable () throws -> any Registry
  ) async -> ConformanceReport {
    await check(
      sabotage: sabotage, publication: publication, deadline: deadline, quietTime: quietTime, clock: clock
    ) { _ in try make() }
  }

  /// Checks the registry that `make` makes, as ``check(sabotage:publication:deadline:quietTime:clock:_:)`` does.
  ///
  /// - Parameter make: is given the logger whose lines the report's observation has, for what doesn't log to its
  ///   session's: plugins log to the context that they are made with.
  public static func check(
    sabotage: Sabotage? = nil, publication: Publication? = nil, deadline: Duration = .seconds(10),
    quietTime: Duration = .milliseconds(200), clock: any Clock<Duration> = ContinuousClock(),
    _ make: @escaping @Sendable (Logger) throws -> any Registry
  ) async -> ConformanceReport {
    let checks = ConformanceChecks(
      make: make, sabotage: sabotage, publication: publication, deadline: deadline, quietTime: quietTime,
      clock: clock)
    return await checks.report()
  }
}
