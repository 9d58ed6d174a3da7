public import ClusterModel
public import ClusterResources

/// How an output is.
public struct OutputStatus: Hashable, Sendable {
  /// The most of ``omissions`` that are kept.
  public static let maximumOmissions = 100

  /// The output's name in the configuration.
  public let name: String
  /// Its file.
  public let path: String
  /// Why it isn't written: `unsynced`, `shrink` or `empty`; nil: it is.
  public internal(set) var held: String?
  /// Why the file can't be written; nil where nothing is wrong.
  public internal(set) var error: String?
  /// ``held`` or ``error`` in a sentence; empty for neither.
  public internal(set) var message = ""
  /// When the file last was as the cluster is; nil: not since the start.
  public internal(set) var currentAt: Timestamp?
  /// What isn't in it though it was asked for: the first of them.
  public internal(set) var omissions: [Export.Omission] = []
  /// How many there are.
  public internal(set) var omissionCount = 0

  init(name: String, path: String) {
    self.name = name
    self.path = path
  }
}
