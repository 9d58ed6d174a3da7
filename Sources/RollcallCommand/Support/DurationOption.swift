import ArgumentParser
import ClusterModel
import Platform

/// A length of time on the command line, as ``DurationText`` reads it everywhere: `500ms`, `10s`, `1m30s`, `2h`.
/// To be used with ``parse(_:)`` as its option's `transform`, which tells what is wrong with another text.
struct DurationOption: Sendable, CustomStringConvertible {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  /// A duration from 1 ms.
  @Sendable static func parse(_ text: String) throws -> DurationOption {
    DurationOption(try DurationText.parse(text, in: .milliseconds(1)...))
  }

  /// A duration, or `0` for none.
  @Sendable static func parseWithZero(_ text: String) throws -> DurationOption {
    DurationOption(try DurationText.parse(text))
  }

  /// The duration as help shows it.
  var description: String { DurationText.text(of: duration) }
}
