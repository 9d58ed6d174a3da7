public import Inventories
public import RegistryKit

/// What a person writes in the registry's section.
public struct StaticFileOptions: RegistryOptions {
  /// A file or a pattern.
  public var path: String?
  /// Files and patterns, after ``path``.
  public var paths: [String] = []
  /// How the files are written.
  public var format = InventoryFormat.auto
  /// How often the files are looked at even when the system reports no change.
  public var pollInterval = Duration.seconds(30)
  /// How long a change may settle before the files are read.
  public var debounce = Duration.milliseconds(50)

  public init() {}

  public static let options = OptionList<Self> {
    RegistryOption(
      "path", \.path, .dataPath,
      "a file of nodes, or a pattern with `*`, `?` or `[…]` in any component but not `**`; relative "
        + "to the folder of the configuration file. A leading dot is only matched by a dot")
    RegistryOption(
      "paths", \.paths, .list(of: .dataPath, count: 1...64), "several files and patterns")
    RegistryOption(
      "format", \.format, .choice,
      "how the files are written; `auto` tells it by each file's content")
    RegistryOption(
      "pollInterval", \.pollInterval, .duration(in: .milliseconds(100) ... .seconds(86_400)),
      "how often the files are looked at even when the system reports no change")
    RegistryOption(
      "debounce", \.debounce, .duration(in: .zero ... .seconds(10)),
      "how long a change may settle before the files are read")
  }
}

/// The options, found to work.
struct StaticFileSettings: Sendable {
  let paths: [PathPattern]
  let format: InventoryFormat
  let pollInterval: Duration
  let debounce: Duration

  init(_ options: StaticFileOptions) throws(RegistryError) {
    try options.check()
    let texts = (options.path.map { [$0] } ?? []) + options.paths
    guard !texts.isEmpty else {
      throw RegistryError(
        .invalidArgument, "no file is named; write `path: nodes.yaml`, or `paths:` with several")
    }
    var paths: [PathPattern] = []
    for text in texts { paths.append(try PathPattern(text)) }
    self.paths = paths
    format = options.format
    pollInterval = options.pollInterval
    debounce = options.debounce
  }
}
