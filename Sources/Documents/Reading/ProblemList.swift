/// What is wrong in one file: every problem is counted, the first ones are kept, as a file may have a million
/// items and all of them may be bad.
package struct ProblemList: Hashable, Sendable {
  /// The most problems that are kept unless something else is asked for.
  package static let maximumKept = 100

  /// The first problems that were found.
  package private(set) var kept: [YAMLError] = []
  /// The number of all problems.
  package private(set) var count = 0
  private let limit: Int

  /// - Parameter limit: the most problems that are kept.
  package init(limit: Int = maximumKept) { self.limit = limit }

  package var isEmpty: Bool { count == 0 }

  /// Puts what is kept in the order of the file.
  package mutating func sort() { kept.sort { $0.mark < $1.mark } }

  package mutating func append(_ problem: YAMLError) {
    count += 1
    if kept.count < limit { kept.append(problem) }
  }

  /// Counts problems that were found and not kept.
  package mutating func addUnkept(_ number: Int) { count += number }
}
