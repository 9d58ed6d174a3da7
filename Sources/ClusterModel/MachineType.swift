/// What a machine is for in its cluster.
///
/// Ordered as declared.
public enum MachineType: String, Hashable, Sendable, CaseIterable {
  /// Nobody said.
  case unknown
  /// A control-plane machine that starts the cluster.
  case `init`
  case controlplane
  case worker

  /// The machine type written as `text`.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    guard let type = MachineType(rawValue: String(text)) else {
      let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw ModelError("\(quoted(text)) isn't a machine type; the types are \(known)")
    }
    self = type
  }
}

extension MachineType: Comparable {
  public static func < (left: MachineType, right: MachineType) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .unknown: 0
    case .`init`: 1
    case .controlplane: 2
    case .worker: 3
    }
  }
}

extension MachineType: CustomStringConvertible {
  public var description: String { rawValue }
}
