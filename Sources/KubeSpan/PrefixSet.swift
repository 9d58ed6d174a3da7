public import ClusterModel

/// A set of addresses, given and got as prefixes. Both families are apart: `10.0.0.1` isn't `::ffff:10.0.0.1`.
///
/// Kept as ranges that neither touch nor overlap, so that equal sets are equal values, whatever they were made of.
public struct PrefixSet: Hashable, Sendable {
  private var v4: AddressRanges
  private var v6: AddressRanges

  private init(v4: AddressRanges, v6: AddressRanges) {
    self.v4 = v4
    self.v6 = v6
  }

  /// The addresses that lie in any of `prefixes`; their host bits don't matter.
  public init(_ prefixes: some Sequence<IPPrefix> = []) {
    var ranges: (v4: [ClosedRange<UInt128>], v6: [ClosedRange<UInt128>]) = ([], [])
    for prefix in prefixes {
      if prefix.address.family == .v4 {
        ranges.v4.append(prefix.range)
      } else {
        ranges.v6.append(prefix.range)
      }
    }
    self.init(v4: AddressRanges(ranges.v4), v6: AddressRanges(ranges.v6))
  }

  /// Whether no address is in it.
  public var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

  /// The fewest prefixes that have exactly these addresses: adjacent ones joined, IPv4 before IPv6, ascending.
  public var prefixes: [IPPrefix] { v4.prefixes(.v4) + v6.prefixes(.v6) }

  /// Whether `address` is in it.
  public func contains(_ address: IPAddress) -> Bool {
    (address.family == .v4 ? v4 : v6).contains(address.number)
  }

  /// The addresses that are in this set or in `other`.
  public func union(_ other: PrefixSet) -> PrefixSet {
    PrefixSet(v4: v4.union(other.v4), v6: v6.union(other.v6))
  }

  /// The addresses of this set that aren't in `other`.
  public func subtracting(_ other: PrefixSet) -> PrefixSet {
    PrefixSet(v4: v4.subtracting(other.v4), v6: v6.subtracting(other.v6))
  }

  /// The addresses that are in both sets.
  public func intersection(_ other: PrefixSet) -> PrefixSet {
    PrefixSet(v4: v4.intersection(other.v4), v6: v6.intersection(other.v6))
  }
}

extension PrefixSet {
  /// Which of `sets`, by their positions, have an address that another one of them has too.
  static func overlapping(_ sets: [PrefixSet]) -> Set<Int> {
    AddressRanges.overlapping(sets.map(\.v4)).union(AddressRanges.overlapping(sets.map(\.v6)))
  }
}

extension IPAddress {
  /// The address's bits as one number.
  fileprivate var number: UInt128 { UInt128(bits.high) << 64 | UInt128(bits.low) }

  fileprivate init(number: UInt128, family: Family) {
    switch family {
    case .v4: self.init(v4: UInt32(truncatingIfNeeded: number))
    case .v6:
      self.init(
        v6High: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number))
    }
  }
}

extension IPPrefix {
  /// From the network's first address to its last one.
  fileprivate var range: ClosedRange<UInt128> {
    let first = network.address.number
    return first...(first | .lowest(address.family.bitCount - length))
  }
}

extension UInt128 {
  /// The number whose `count` lowest bits are set.
  fileprivate static func lowest(_ count: Int) -> UInt128 { count == 0 ? 0 : .max >> UInt128(128 - count) }
}

/// Ranges of numbers, ascending, of which no two overlap or touch.
private struct AddressRanges: Hashable, Sendable {
  private var ranges: [ClosedRange<UInt128>] = []

  init(_ unordered: [ClosedRange<UInt128>]) {
    for range in unordered.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(range) }
  }

  private init(ordered: [ClosedRange<UInt128>]) { ranges = ordered }

  var isEmpty: Bool { ranges.isEmpty }

  /// Adds `range`, which doesn't begin before the last one, and joins both where they touch.
  private mutating func append(_ range: ClosedRange<UInt128>) {
    guard let last = ranges.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 else {
      ranges.append(range)
      return
    }
    ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
  }

  /// The position of the first range that doesn't end before `number`.
  private func position(_ number: UInt128) -> Int {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func contains(_ number: UInt128) -> Bool {
    let index = position(number)
    return index < ranges.count && ranges[index].lowerBound <= number
  }

  func union(_ other: AddressRanges) -> AddressRanges {
    if isEmpty { return other }
    if other.isEmpty { return self }
    var union = AddressRanges(ordered: [])
    union.ranges.reserveCapacity(ranges.count + other.ranges.count)
    var (left, right) = (0, 0)
    while left < ranges.count || right < other.ranges.count {
      let isLeft =
        right == other.ranges.count
        || left < ranges.count && ranges[left].lowerBound <= other.ranges[right].lowerBound
      union.append(isLeft ? ranges[left] : other.ranges[right])
      if isLeft { left += 1 } else { right += 1 }
    }
    return union
  }

  func intersection(_ other: AddressRanges) -> AddressRanges {
    var both: [ClosedRange<UInt128>] = []
    for range in ranges {
      var index = other.position(range.lowerBound)
      while index < other.ranges.count, other.ranges[index].lowerBound <= range.upperBound {
        both.append(range.clamped(to: other.ranges[index]))
        index += 1
      }
    }
    return AddressRanges(ordered: both)
  }

  func subtracting(_ other: AddressRanges) -> AddressRanges {
    var rest: [ClosedRange<UInt128>] = []
    for range in ranges {
      // Nil where nothing is left of it.
      var start: UInt128? = range.lowerBound
      var index = other.position(range.lowerBound)
      while let first = start, index < other.ranges.count, other.ranges[index].lowerBound <= range.upperBound
      {
        let hole = other.ranges[index]
        if hole.lowerBound > first { rest.append(first...(hole.lowerBound - 1)) }
        start = hole.upperBound < range.upperBound ? hole.upperBound + 1 : nil
        index += 1
      }
      if let start { rest.append(start...range.upperBound) }
    }
    return AddressRanges(ordered: rest)
  }

  /// Which of `all`, by their positions, have a number that another one of them has too.
  static func overlapping(_ all: [AddressRanges]) -> Set<Int> {
    let ordered = all.enumerated().flatMap { position, ranges in
      ranges.ranges.map { (range: $0, position: position) }
    }.sorted { $0.range.lowerBound < $1.range.lowerBound }
    var found: Set<Int> = []
    // The range that reaches furthest so far: what begins within any one before begins within this one.
    guard var furthest = ordered.first else { return [] }
    for next in ordered.dropFirst() {
      if next.range.lowerBound <= furthest.range.upperBound {
        found.insert(next.position)
        found.insert(furthest.position)
      }
      if next.range.upperBound > furthest.range.upperBound { furthest = next }
    }
    return found
  }

  /// The fewest prefixes of these ranges: from the start of each the largest block that begins there and fits.
  func prefixes(_ family: IPAddress.Family) -> [IPPrefix] {
    var prefixes: [IPPrefix] = []
    for range in ranges {
      var first = range.lowerBound
      while true {
        let count = range.upperBound - first
        // The bits of a block of at most count + 1 addresses.
        let fitting = count == .max ? 128 : 127 - (count + 1).leadingZeroBitCount
        let hostBits = min(first.trailingZeroBitCount, fitting, family.bitCount)
        if let prefix = IPPrefix(
          address: IPAddress(number: first, family: family), length: family.bitCount - hostBits)
        {
          prefixes.append(prefix)
        }
        let last = first | .lowest(hostBits)
        if last == range.upperBound { break }
        first = last + 1
      }
    }
    return prefixes
  }
}
