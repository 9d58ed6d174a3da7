import ClusterModel
import HashTreeCollections

/// The records that say one value.
enum Claims: Sendable {
  case one(RecordNumber)
  /// Two to ``limit``.
  case few([RecordNumber])
  /// More.
  indirect case many(Crowd)

  /// More records of one origin than this, or more identities, make a value common: it tells nothing.
  static let limit = 8

  var isCommon: Bool { if case .many(let crowd) = self { crowd.isCommon } else { false } }

  /// Calls `body` with each of the records.
  func forEach(_ body: (RecordNumber) -> Void) {
    switch self {
    case .one(let number): body(number)
    case .few(let numbers): numbers.forEach(body)
    case .many(let crowd): crowd.numbers.forEach(body)
    }
  }

  /// - Parameter identity: whose a record is; nil where it has a local id.
  func adding(_ number: RecordNumber, identity: (RecordNumber) -> NodeIdentity?) -> Claims {
    switch self {
    case .one(let other): return .few([other, number])
    case .few(var numbers):
      numbers.append(number)
      if numbers.count <= Self.limit { return .few(numbers) }
      var crowd = Crowd()
      for number in numbers { crowd.add(number, identity(number)) }
      return .many(crowd)
    case .many(var crowd):
      crowd.add(number, identity(number))
      return .many(crowd)
    }
  }

  func removing(_ number: RecordNumber, identity: (RecordNumber) -> NodeIdentity?) -> Claims? {
    switch self {
    case .one(let other): return other == number ? nil : self
    case .few(var numbers):
      numbers.removeAll { $0 == number }
      return numbers.count == 1 ? .one(numbers[0]) : .few(numbers)
    case .many(var crowd):
      crowd.remove(number, identity(number))
      return crowd.numbers.count > Self.limit ? .many(crowd) : .few(Array(crowd.numbers))
    }
  }

  /// The records that say a value which many say, and how many they are by origin and by identity.
  struct Crowd: Sendable {
    private(set) var numbers: TreeSet<RecordNumber> = []
    /// By the origins' positions.
    private var counts: [Int: Int] = [:]
    private var identities: TreeDictionary<NodeIdentity, Int> = [:]

    var isCommon: Bool {
      identities.count > Claims.limit || counts.values.contains { $0 > Claims.limit }
    }

    fileprivate mutating func add(_ number: RecordNumber, _ identity: NodeIdentity?) {
      numbers.insert(number)
      counts[number.origin, default: 0] += 1
      if let identity { identities[identity, default: 0] += 1 }
    }

    fileprivate mutating func remove(_ number: RecordNumber, _ identity: NodeIdentity?) {
      numbers.remove(number)
      if let count = counts[number.origin] { counts[number.origin] = count > 1 ? count - 1 : nil }
      if let identity, let count = identities[identity] { identities[identity] = count > 1 ? count - 1 : nil }
    }
  }
}
