/// What a reload did, by the registries' names.
public struct ReloadSummary: Hashable, Sendable {
  /// Those that run as before.
  public var kept: [String] = []
  /// Those that weren't run before.
  public var added: [String] = []
  /// Those that were made anew; their records stay until their first snapshot.
  public var changed: [String] = []
  /// Those that were stopped, and their records dropped; those that are disabled now too.
  public var removed: [String] = []

  public init() {}

  /// Whether all registries run as before.
  public var isUnchanged: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
}
