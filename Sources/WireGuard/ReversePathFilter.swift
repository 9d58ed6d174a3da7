import Glibc
import Platform

/// What is to be done so that a machine's reverse path filter lets IPv4 packets out of a tunnel.
///
/// Where the filter is on, 1 or 2, it drops all that comes in by a link without an IPv4 address. The kernel takes the
/// greater one of the values of `all` and of the link (`IN_DEV_RPFILTER`). With 2 and an address on the link it lets all
/// through that could have come any way; with 1 only what would go back the same way, which tunnelled packets wouldn't, as
/// the filter doesn't know their mark.
struct ReversePathFilter: Hashable, Sendable {
  /// net.ipv4.conf.all.rp_filter
  var all: Int
  /// net.ipv4.conf.LINK.rp_filter
  var link: Int

  /// How it comes to let them through.
  enum Remedy: Hashable, Sendable {
    /// The link's value is to be so, and the link needs no address.
    case off(linkValue: Int)
    /// The link's value is to be so, and the link needs an IPv4 address of this node.
    case loose(linkValue: Int)
  }

  /// - Parameter isWritable: whether the link's value can be set.
  /// - Returns: nil where there is no remedy.
  func remedy(isWritable: Bool) -> Remedy? {
    let value = max(all, link)
    if value == 0 { return .off(linkValue: link) }
    if isWritable { return all == 0 ? .off(linkValue: 0) : .loose(linkValue: 2) }
    return value == 2 ? .loose(linkValue: link) : nil
  }

  /// The file of an interface's value.
  static func path(_ interface: String) -> String { "/proc/sys/net/ipv4/conf/\(interface)/rp_filter" }

  /// How it is for `interface`; nil where this machine has none.
  init?(interface: String) {
    guard let all = Self.value(Self.path("all")), let link = Self.value(Self.path(interface)) else {
      return nil
    }
    self.init(all: all, link: link)
  }

  init(all: Int, link: Int) {
    self.all = all
    self.link = link
  }

  private static func value(_ path: String) -> Int? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = Glibc.read(file, &bytes, bytes.count)
    return count > 0 ? Int(String(decoding: bytes[..<count], as: UTF8.self).trimmed) : nil
  }

  /// Sets the value of `interface`; false where that may not be.
  static func set(_ value: Int, interface: String) -> Bool {
    let file = open(path(interface), O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    let text = "\(value)\n"
    return write(file, text, text.utf8.count) == text.utf8.count
  }

  /// Whether that could be set.
  static func isWritable(interface: String) -> Bool {
    let file = open(path(interface), O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    close(file)
    return true
  }
}
