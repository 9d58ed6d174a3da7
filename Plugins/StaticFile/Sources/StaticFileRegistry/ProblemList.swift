import Documents

/// What is wrong in one file: every problem is counted, the first ones are kept.
///
/// A file may have a million nodes and all of them may be bad.
struct ProblemList: Hashable, Sendable {
  /// The most problems of one file that are kept.
  static let maximumKept = 100

  /// The first problems that were found.
  private(set) var kept: [YAMLError] = []
  /// The number of all problems.
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// Puts what is kept in the order of the file.
  mutating func sort() {
    kept.sort { ($0.mark.line, $0.mark.column) < ($1.mark.line, $1.mark.column) }
  }

  mutating func append(_ problem: YAMLError) {
    count += 1
    if kept.count < Self.maximumKept { kept.append(problem) }
  }
}
