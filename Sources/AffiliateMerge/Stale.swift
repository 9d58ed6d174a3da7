/// Who hasn't been heard of for too long: whole registries, and single origins of others.
struct Stale: Sendable {
  private var registries: Set<String> = []
  private var origins: Set<RecordOrigin> = []

  var isEmpty: Bool { registries.isEmpty && origins.isEmpty }

  func contains(_ origin: RecordOrigin) -> Bool {
    registries.contains(origin.registry) || origins.contains(origin)
  }

  /// - Returns: whether that was different before.
  mutating func set(_ registry: String, _ isStale: Bool) -> Bool {
    isStale ? registries.insert(registry).inserted : registries.remove(registry) != nil
  }

  /// - Returns: whether that was different before.
  mutating func set(_ origin: RecordOrigin, _ isStale: Bool) -> Bool {
    isStale ? origins.insert(origin).inserted : origins.remove(origin) != nil
  }

  /// Whoever comes again under these names comes fresh.
  mutating func forget(_ registry: String) {
    registries.remove(registry)
    for origin in origins where origin.registry == registry { origins.remove(origin) }
  }
}
