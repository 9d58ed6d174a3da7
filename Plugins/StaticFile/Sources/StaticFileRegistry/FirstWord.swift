import RegistryKit

/// What the first look tells: whoever waits until the registry is in sync sees all files then, and what is wrong
/// with them.
enum FirstWord {
  /// - Parameters:
  ///   - changes: the snapshots of all sources.
  ///   - status: what is wrong, if anything is.
  static func events(_ changes: [RegistryUpdate], _ status: RegistryEvent?) -> [RegistryEvent?] {
    var sources: [RegistrySource] = changes.compactMap {
      if case .snapshot(_, let source) = $0 { source } else { nil }
    }
    var events = changes.map { RegistryEvent.update($0) }
    if let status {
      // It comes after the snapshots, and still is to be awaited: it stands for one more source that ends with it.
      let place = unused(in: sources)
      sources.append(place)
      events += [status, .update(.sourceGone(place))]
    }
    return sources.count > 1 ? [.sources(sources)] + events : events
  }

  /// A source that isn't in `sources`.
  private static func unused(in sources: [RegistrySource]) -> RegistrySource {
    let candidates = (1...(sources.count + 1)).lazy.compactMap { try? RegistrySource("status#\($0)") }
    return candidates.first { !sources.contains($0) } ?? .only
  }
}
