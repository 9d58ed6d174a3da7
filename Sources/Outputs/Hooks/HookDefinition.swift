public import Lifecycle
public import Rollcall

/// One of `hooks:`: a program that is told what changed.
public struct HookDefinition: Hashable, Sendable {
  /// The name in the configuration.
  public var name: String
  /// A program and its arguments.
  public var command: [String]
  /// Changes of what it is told.
  public var kinds: Set<HistoryEntry.Kind>
  /// Changes of members to which states; nil: any.
  public var states: Set<NodeState>?
  /// How long it may take.
  public var timeout: Duration

  /// What a hook may be told of.
  public static let possibleKinds: [HistoryEntry.Kind] = [.member, .registry, .conflict]

  /// A hook; what isn't given has the documented default.
  public init(
    name: String, command: [String], kinds: Set<HistoryEntry.Kind> = Set(possibleKinds),
    states: Set<NodeState>? = nil, timeout: Duration = OutputDefinition.defaultTimeout
  ) {
    self.name = name
    self.command = command
    self.kinds = kinds
    self.states = states
    self.timeout = timeout
  }
}
