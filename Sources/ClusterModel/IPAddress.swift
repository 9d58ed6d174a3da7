/// An IPv4 or IPv6 address.
///
/// 17 bytes, equal and hashed by value. IPv4 sorts before IPv6, then by the address's bits. An IPv4
/// address and the same one mapped into IPv6 (`::ffff:10.0.0.1`) are different addresses, as they are
/// on the wire. Zones (`fe80::1%eth0`) have no meaning on another machine and are refused.
@frozen
public struct IPAddress: Hashable, Sendable {
  /// Which of the two internet protocols an address is of.
  @frozen
  public enum Family: UInt8, Hashable, Sendable, Comparable {
    case v4 = 4
    case v6 = 6

    @inlinable
    public static func < (left: Family, right: Family) -> Bool { left.rawValue < right.rawValue }

    /// The number of bits in an address: 32 or 128.
    @inlinable public var bitCount: Int { self == .v4 ? 32 : 128 }
  }

  /// The address's upper 64 bits; zero for IPv4.
  @usableFromInline let high: UInt64
  /// The address's lower 64 bits; the lowest 32 for IPv4.
  @usableFromInline let low: UInt64
  /// Whether this is an IPv4 or an IPv6 address.
  public let family: Family

  @inlinable
  init(high: UInt64, low: UInt64, family: Family) {
    self.high = high
    self.low = low
    self.family = family
  }

  /// The IPv4 address whose 32 bits are `bits`, the first octet highest.
  @inlinable
  public init(v4 bits: UInt32) { self.init(high: 0, low: UInt64(bits), family: .v4) }

  /// The IPv6 address of the two halves, the first byte highest.
  @inlinable
  public init(v6High high: UInt64, low: UInt64) { self.init(high: high, low: low, family: .v6) }

  /// The address's bits without a copy: the upper 64, zero for IPv4, and the lower 64, of which IPv4 uses
  /// the lowest 32.
  @inlinable public var bits: (high: UInt64, low: UInt64) { (high, low) }

  /// The address of 4 or 16 bytes in network order, or nil for any other number of bytes.
  public init?(bytes: some Collection<UInt8>) {
    switch bytes.count {
    case 4: self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
    case 16:
      self.init(
        v6High: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
        low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    default: return nil
    }
  }

  /// The address's 4 or 16 bytes in network order.
  public var bytes: [UInt8] {
    switch family {
    case .v4: (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
    case .v6:
      (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 % 8))) }
    }
  }

  /// The address with every bit from `length` on cleared.
  func masked(to length: Int) -> IPAddress {
    switch family {
    case .v4: IPAddress(high: 0, low: low & UInt64(UInt32.mask(length)), family: .v4)
    case .v6:
      IPAddress(
        high: high & UInt64.mask(min(length, 64)), low: low & UInt64.mask(max(length - 64, 0)),
        family: .v6)
    }
  }
}

extension FixedWidthInteger {
  /// The `length` highest bits set.
  fileprivate static func mask(_ length: Int) -> Self {
    length == 0 ? 0 : ~0 << Self(truncatingIfNeeded: bitWidth - length)
  }
}

extension IPAddress: Comparable {
  @inlinable
  public static func < (left: IPAddress, right: IPAddress) -> Bool {
    if left.family != right.family { return left.family < right.family }
    return left.high != right.high ? left.high < right.high : left.low < right.low
  }
}

extension IPAddress {
  /// Whether this is `::1` or in `127.0.0.0/8`.
  public var isLoopback: Bool {
    family == .v4 ? low >> 24 == 127 : high == 0 && low == 1
  }

  /// Whether container runtimes and hypervisors give the address to a bridge of each machine by default: Docker's
  /// 172.17.0.1 to 172.31.0.1, Podman's 10.88.0.1, libvirt's 192.168.122.1, LXC's 10.0.3.1, VirtualBox' 10.0.2.15.
  public var isContainerBridge: Bool {
    guard family == .v4 else { return false }
    switch low {
    case 0x0A58_0001, 0xC0A8_7A01, 0x0A00_0301, 0x0A00_020F: return true
    default: return low & 0xFFF0_FFFF == 0xAC10_0001 && low != 0xAC10_0001
    }
  }

  /// Whether the address is only good on its own link: `fe80::/10` or `169.254.0.0/16`.
  public var isLinkLocal: Bool {
    family == .v4 ? low >> 16 == 0xA9FE : high >> 54 == 0xFE80 >> 6
  }

  /// Whether the address is a group's: `ff00::/8` or `224.0.0.0/4`.
  public var isMulticast: Bool {
    family == .v4 ? low >> 28 == 0xE : high >> 56 == 0xFF
  }

  /// Whether this is `0.0.0.0` or `::`.
  public var isUnspecified: Bool { high == 0 && low == 0 }
}
