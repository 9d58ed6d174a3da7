import ClusterModel
import KubeSpan
import TestSupport
import Testing

@Suite("A set of prefixes")
struct PrefixSetTests {
  @Test("of everything is one prefix, and nothing is left where that is subtracted")
  func everything() throws {
    let all = PrefixSet(try prefixes("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"))
    #expect(all.prefixes == (try prefixes("0.0.0.0/0", "::/0")))
    #expect(PrefixSet(try prefixes("10.0.0.0/8", "fd00::/8")).subtracting(all).isEmpty)
    let rest = all.subtracting(PrefixSet(try prefixes("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")))
    #expect(rest.prefixes.count == 1 + 128)
    #expect(rest.union(PrefixSet(try prefixes("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"))) == all)
  }

  @Test("leaves host bits out of account")
  func hostBits() throws {
    #expect(PrefixSet(try prefixes("10.244.0.1/24")) == PrefixSet(try prefixes("10.244.0.0/24")))
  }

  /// A prefix within the 256 addresses that begin at `base`.
  private static func random(_ base: IPAddress, _ generator: inout SeededGenerator) -> IPPrefix {
    let length = Int.random(in: 0...8, using: &generator)
    let offset = UInt64.random(in: 0...255, using: &generator)
    let address =
      base.family == .v4
      ? IPAddress(v4: UInt32(base.bits.low + offset))
      : IPAddress(v6High: base.bits.high, low: base.bits.low + offset)
    return IPPrefix(address: address, length: base.family.bitCount - 8 + length) ?? IPPrefix(host: address)
  }

  private static func members(_ prefixes: [IPPrefix], of base: IPAddress) -> Set<UInt64> {
    var members: Set<UInt64> = []
    for prefix in prefixes {
      let size = UInt64(1) << UInt64(prefix.address.family.bitCount - prefix.length)
      let start = prefix.network.address.bits.low - base.bits.low
      members.formUnion(start..<(start + size))
    }
    return members
  }

  /// The fewest prefixes that have exactly `members` of the 256 addresses: a block is taken where all of it is in.
  private static func fewest(_ members: Set<UInt64>, _ start: UInt64 = 0, _ size: UInt64 = 256) -> Int {
    let inside = (start..<(start + size)).count { members.contains($0) }
    if inside == 0 { return 0 }
    if inside == Int(size) { return 1 }
    return fewest(members, start, size / 2) + fewest(members, start + size / 2, size / 2)
  }

  @Test(
    "is united, subtracted and intersected as a set of addresses, and written in the fewest prefixes",
    arguments: [
      "10.1.2.0", "255.255.255.0", "0.0.0.0", "fd00::100", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00",
    ])
  func asAddresses(text: String) throws {
    let base = try IPAddress(text)
    var generator = SeededGenerator(seed: 17)
    for _ in 0..<300 {
      let count = Int.random(in: 0...8, using: &generator)
      let left = (0..<count).map { _ in Self.random(base, &generator) }
      let right = (0..<count).map { _ in Self.random(base, &generator) }
      let (first, second) = (PrefixSet(left), PrefixSet(right))
      let (all, others) = (Self.members(left, of: base), Self.members(right, of: base))
      for (set, expected) in [
        (first, all), (first.union(second), all.union(others)),
        (first.subtracting(second), all.subtracting(others)),
        (first.intersection(second), all.intersection(others)),
      ] {
        let prefixes = set.prefixes
        #expect(Self.members(prefixes, of: base) == expected)
        #expect(prefixes.count == Self.fewest(expected))
        #expect(prefixes == prefixes.sorted())
        #expect(set == PrefixSet(prefixes.shuffled(using: &generator)))
        #expect(set.isEmpty == expected.isEmpty)
        for member in all.union(others) {
          let address =
            base.family == .v4
            ? IPAddress(v4: UInt32(base.bits.low + member))
            : IPAddress(v6High: base.bits.high, low: base.bits.low + member)
          if set.contains(address) != expected.contains(member) { Issue.record("\(address) in \(prefixes)") }
        }
      }
    }
  }
}
