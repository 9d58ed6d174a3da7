import Platform
import RegistryKit

/// What a person writes in the registry's section.
public struct StaticFileOptions: Decodable, Sendable {
  /// A file or a pattern.
  public var path: String?
  /// Files and patterns, after ``path``.
  public var paths: [String]?
  /// How often files are looked at without a word from the system: `30s`.
  public var pollInterval: String?
  /// How long a change may settle before the files are read: `50ms`.
  public var debounce: String?

  public init(
    path: String? = nil, paths: [String]? = nil, pollInterval: String? = nil, debounce: String? = nil
  ) {
    self.path = path
    self.paths = paths
    self.pollInterval = pollInterval
    self.debounce = debounce
  }

  /// The options' JSON Schema.
  static let schema = #"""
    {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "path": {
          "type": "string", "minLength": 1, "maxLength": 4096,
          "description": "A YAML or JSON file of nodes, or a pattern (*, ?, [...]) that finds several. Relative to the configuration file's folder."
        },
        "paths": {
          "type": "array", "minItems": 1, "maxItems": 64,
          "items": { "type": "string", "minLength": 1, "maxLength": 4096 },
          "description": "Several files and patterns."
        },
        "pollInterval": {
          "type": "string", "format": "duration", "default": "30s",
          "description": "How often the files are looked at even when the system tells of no change."
        },
        "debounce": {
          "type": "string", "format": "duration", "default": "50ms",
          "description": "How long a change may settle before the files are read."
        }
      }
    }
    """#
}

/// The options, checked and with defaults filled in.
struct Settings: Sendable {
  var paths: [PathPattern]
  var pollInterval: Duration = .seconds(30)
  var debounce: Duration = .milliseconds(50)

  init(_ options: StaticFileOptions) throws(RegistryError) {
    let texts = (options.path.map { [$0] } ?? []) + (options.paths ?? [])
    guard !texts.isEmpty else {
      throw RegistryError(
        .invalidArgument, "no file is named; write `path: nodes.yaml`, or `paths:` with several")
    }
    paths = []
    for text in texts { paths.append(try PathPattern(text)) }
    if let text = options.pollInterval {
      pollInterval = try Self.duration(text, "pollInterval", .milliseconds(100) ... .seconds(86_400))
    }
    if let text = options.debounce {
      debounce = try Self.duration(text, "debounce", .zero ... .seconds(10))
    }
  }

  private static func duration(
    _ text: String, _ name: String, _ range: ClosedRange<Duration>
  ) throws(RegistryError) -> Duration {
    guard let duration = try? DurationText.parse(text) else {
      throw RegistryError(.invalidArgument, "\(name): \(quoted(text)) isn't a duration such as 30s or 1m30s")
    }
    guard range.contains(duration) else {
      throw RegistryError(
        .invalidArgument,
        "\(name): \(text) is out of range; it may be from \(range.lowerBound) to \(range.upperBound)")
    }
    return duration
  }
}
