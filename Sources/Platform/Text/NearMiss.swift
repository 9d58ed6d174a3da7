import ClusterModel

/// What to say of `text` where one of `candidates` was most likely meant: "did you mean 'hostname'?". Nil where
/// none is near.
package func didYouMean(_ text: String, among candidates: some Sequence<String>) -> String? {
  nearMiss(of: text, among: candidates).map { "did you mean \(quoted($0))?" }
}

/// The one of `candidates` that a person most likely meant by `text`, whatever its case; nil where none is near.
///
/// Near is at most a third of the letters (in short words one) wrong, missing, too much or swapped with their
/// neighbour.
package func nearMiss(of text: String, among candidates: some Sequence<String>) -> String? {
  let wanted = Array(text.lowercased().unicodeScalars.prefix(64))
  let bound = max(1, wanted.count / 3)
  return candidates.map {
    (candidate: $0, distance: distance(wanted, Array($0.lowercased().unicodeScalars)))
  }
  .filter { $0.distance <= bound }
  .min { $0.distance != $1.distance ? $0.distance < $1.distance : $0.candidate < $1.candidate }?.candidate
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one of the
/// other.
private func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for row in left.indices {
    var current = [row + 1]
    for column in right.indices {
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
