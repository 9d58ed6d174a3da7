public import ClusterResources

/// One of `outputs:`: a file that follows the cluster, and a command that is run when it changed.
public struct OutputDefinition: Hashable, Sendable {
  /// The name in the configuration.
  public var name: String
  /// What is written.
  public var format: ExportFormat
  /// Which members, and what of them.
  public var options: ExportOptions
  /// Which members, by their labels; nil: all.
  public var selector: LabelSelector?
  /// The file's path.
  public var path: String
  /// The file's permissions; nil: those that it has, and 0644 for a new one.
  public var mode: UInt32?
  /// A program and its arguments; empty: none is run.
  public var command: [String]
  /// How long the cluster has to be quiet before the file is written.
  public var debounce: Duration
  /// How long the command may take.
  public var timeout: Duration
  /// How large a part of its entries, 0 to 1, the file may lose at once.
  public var maxShrink: Double
  /// Whether the file may be without an entry.
  public var allowEmpty: Bool

  /// How long the cluster has to be quiet where nothing else is said.
  public static let defaultDebounce = Duration.seconds(2)
  /// How long a command, and a hook, may take where nothing else is said.
  public static let defaultTimeout = Duration.seconds(30)
  /// How long a cluster that goes on changing is waited for at most.
  public static let longestDebounce = Duration.seconds(10)
  /// How large a part of its entries a file may lose at once where nothing else is said.
  public static let defaultMaxShrink = 0.5

  /// An output; what isn't given has the documented default.
  public init(
    name: String, format: ExportFormat, options: ExportOptions = ExportOptions(),
    selector: LabelSelector? = nil,
    path: String, mode: UInt32? = nil, command: [String] = [], debounce: Duration = defaultDebounce,
    timeout: Duration = defaultTimeout, maxShrink: Double = defaultMaxShrink, allowEmpty: Bool = false
  ) {
    self.name = name
    self.format = format
    self.options = options
    self.selector = selector
    self.path = path
    self.mode = mode
    self.command = command
    self.debounce = debounce
    self.timeout = timeout
    self.maxShrink = maxShrink
    self.allowEmpty = allowEmpty
  }
}
