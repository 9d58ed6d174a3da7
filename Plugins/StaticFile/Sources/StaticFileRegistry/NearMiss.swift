/// Finds what a person probably meant.
enum NearMiss {
  /// The one of `candidates` that `text` is a slip of: it differs in case only, or by at most two
  /// letters (one in short words) inserted, dropped, replaced or swapped. Nil where none is near.
  static func of(_ text: String, in candidates: [String]) -> String? {
    let lowered = text.lowercased()
    if let same = candidates.first(where: { $0.lowercased() == lowered }) { return same }
    guard lowered.utf8.count <= 64 else { return nil }
    let word = Array(lowered.utf8)
    let allowed = word.count <= 4 ? 1 : 2
    let distances = candidates.map { (distance(word, Array($0.lowercased().utf8)), $0) }
    return distances.filter { $0.0 <= allowed }.min { $0.0 < $1.0 }?.1
  }

  /// The number of single letters inserted, dropped, replaced or swapped with their neighbour.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        let isEqual = left[row] == right[column]
        var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (isEqual ? 0 : 1))
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
