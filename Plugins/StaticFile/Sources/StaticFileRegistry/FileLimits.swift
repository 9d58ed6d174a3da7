/// What is the most of everything around files, and how long it is waited for what. What one may have in it is up to
/// `InventoryLimits`.
enum FileLimits {
  /// Files that all paths of one registry may find.
  static let files = 10_000
  /// Names in a folder that a pattern looks at.
  static let folderEntries = 100_000
  /// Names on the way to one file, those that links add counted.
  static let pathNames = 512
  /// Problems that are kept one by one; of the others there is a number.
  static let problems = 1000
  /// How long a file must not have changed to be read where the system doesn't say whether somebody writes to it.
  static let settleTime: Duration = .seconds(2)
  /// How long a file must not have changed to be read while somebody has it open to write to it.
  static let writerSettleTime: Duration = .seconds(10)
  /// The pause before a file that is on its way from one state to the next is looked at again, and the one after
  /// it has been so for a while.
  static let settlePauses = (first: Duration.milliseconds(50), later: Duration.seconds(1))
  /// How long a file is found being written to before that is reported.
  static let unsettledTime: Duration = .seconds(5)
  /// Symbolic links followed on the way to one file, as the system does.
  static let links = 40
}
