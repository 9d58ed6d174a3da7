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

  /// The position in the order of declaration.
  var rank: UInt8 {
    switch self {
    case .unknown: 0
    case .`init`: 1
    case .controlplane: 2
    case .worker: 3
    }
  }

  /// The type at that position; ``unknown`` where there is none.
  init(rank: UInt8) {
    switch rank {
    case 1: self = .`init`
    case 2: self = .controlplane
    case 3: self = .worker
    default: self = .unknown
    }
  }
}

extension MachineType: CustomStringConvertible {
  public var description: String { rawValue }
}
