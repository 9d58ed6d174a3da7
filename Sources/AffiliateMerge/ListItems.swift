extension Array where Element: Hashable {
  /// Up to this many items, looking at each is quicker than hashing.
  private static var fewItems: Int { 16 }

  /// Whether no item is in it twice.
  var isDistinct: Bool {
    guard count <= Self.fewItems else { return Set(self).count == count }
    for index in indices.dropFirst() where self[..<index].contains(self[index]) { return false }
    return true
  }

  /// Its items that aren't in `others`, each once, in order.
  func items(notIn others: [Element]) -> [Element] {
    var found: [Element] = []
    if count + others.count <= Self.fewItems {
      for item in self where !others.contains(item) && !found.contains(item) { found.append(item) }
    } else {
      var seen = Set(others)
      for item in self where seen.insert(item).inserted { found.append(item) }
    }
    return found
  }
}
