/// Collects what is wrong while a file is read, so that all of it is told at once. Used by one task.
package final class Diagnostics {
  /// The file as the person named it.
  package let file: String
  /// What keeps the file from being taken as it is, in the order in which it was found.
  package private(set) var errors: ProblemList
  /// What is taken all the same.
  package private(set) var warnings: ProblemList
  /// Where keys belong whose names alone tell, for those that are written elsewhere: the keys to their mapping,
  /// `cluster.discovery`; empty for the top of the file.
  let places: [String: String]

  /// - Parameter limit: the most errors, and warnings, that are kept; the others are counted.
  package init(
    file: String, places: [String: String] = [:], limit: Int = ProblemList.maximumKept
  ) {
    self.file = file
    self.places = places
    errors = ProblemList(limit: limit)
    warnings = ProblemList(limit: limit)
  }

  package func error(_ mark: YAMLMark, _ message: String) {
    errors.append(YAMLError(file: file, mark: mark, message: message))
  }

  package func warning(_ mark: YAMLMark, _ message: String) {
    warnings.append(YAMLError(file: file, mark: mark, message: message))
  }

  /// Adds problems that were found otherwise, such as a stream's repeated keys.
  package func add(_ problems: some Sequence<YAMLError>) {
    for problem in problems { errors.append(problem) }
  }

  /// Puts errors and warnings in the order of the file.
  package func sort() {
    errors.sort()
    warnings.sort()
  }
}
