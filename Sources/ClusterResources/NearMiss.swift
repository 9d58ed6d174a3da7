/// The one of `known` that a person most likely meant by `name`, or nil where none is near.
///
/// Near is at most a third of the characters wrong, missing, too much or swapped with their neighbour.
public func nearMiss(of name: String, among known: [String]) -> String? {
  let wanted = Array(name.unicodeScalars.prefix(64))
  let ranked = known.map { (name: $0, distance: editDistance(wanted, Array($0.unicodeScalars))) }
  guard let best = ranked.min(by: { $0.distance < $1.distance }),
    best.distance <= max(1, best.name.unicodeScalars.count / 3)
  else { return nil }
  return best.name
}

/// The number of single edits that turn `left` into `right`; a swap of two neighbours is one.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for row in 0..<left.count {
    var current = [row + 1]
    for column in 0..<right.count {
      let isSame = left[row] == right[column]
      var best = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        best = min(best, beforeLast[column - 1] + 1)
      }
      current.append(best)
    }
    (beforeLast, last) = (last, current)
  }
  return last[right.count]
}
