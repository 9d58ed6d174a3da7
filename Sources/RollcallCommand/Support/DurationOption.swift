import ArgumentParser
import ClusterModel
import Platform

/// A length of time on the command line, as ``DurationText`` reads it everywhere: `500ms`, `10s`, `1m30s`, `2h`.
/// To be used with ``parse(_:)`` or ``interval(_:)`` as its option's `transform`, which tells what is wrong with
/// another text.
struct DurationOption: Sendable, CustomStringConvertible {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  /// Any duration.
  @Sendable static func parse(_ text: String) throws -> DurationOption {
    DurationOption(try DurationText.parse(text))
  }

  /// How often something is done: from 1 ms.
  @Sendable static func interval(_ text: String) throws -> DurationOption {
    DurationOption(try DurationText.parse(text, in: .milliseconds(1)...))
  }

  /// The duration as help shows it.
  var description: String { DurationText.text(of: duration) }
}
