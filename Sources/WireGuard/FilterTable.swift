import Glibc
import Netlink

/// What nftables has, without the rules themselves: enough to know whether a table of ours is still the one that was made
/// (`linux/netfilter/nf_tables.h`).
struct FilterTable: Hashable, Sendable {
  /// The table's own number, which no later one has.
  var handle: UInt64
  /// How many chains and sets it has.
  var use: UInt32
  /// How many rules its chains have: somebody who flushes it takes these alone.
  var ruleCount = 0

  /// `NFNL_SUBSYS_NFTABLES`, and messages of it.
  private static let subsystem: UInt16 = 10 << 8
  private static let newTable: UInt16 = subsystem | 0
  private static let getTable: UInt16 = subsystem | 1
  private static let getRule: UInt16 = subsystem | 7
  private static let newGeneration: UInt16 = subsystem | 15
  private static let getGeneration: UInt16 = subsystem | 16

  init(handle: UInt64, use: UInt32) {
    self.handle = handle
    self.use = use
  }

  /// What `message` tells; nil where it is about something else.
  init?(_ message: NetlinkMessage) {
    guard message.type == Self.newTable else { return nil }
    self.init(handle: 0, use: 0)
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(4)) {
      switch type {
      case 3: use = Netlink.integer(value, at: 0, as: UInt32.self).map(UInt32.init(bigEndian:)) ?? 0
      case 4: handle = Netlink.integer(value, at: 0, as: UInt64.self).map(UInt64.init(bigEndian:)) ?? 0
      default: break
      }
    }
  }

  /// Asks for the table `inet name`.
  static func get(_ name: String) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(1, text: name)
    // struct nfgenmsg: NFPROTO_INET, version, resource.
    return NetlinkMessage(getTable, head: [1, 0, 0, 0], attributes)
  }

  /// Asks for the rules of the table `inet name`.
  private static func rules(of name: String) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(1, text: name)
    return NetlinkMessage(getRule, head: [1, 0, 0, 0], attributes)
  }

  /// The table `inet name`; nil where there is none.
  static func find(_ name: String, through socket: NetlinkSocket) throws(NetlinkError) -> FilterTable? {
    do throws(NetlinkError) {
      var table = FilterTable(try socket.answer(to: get(name)))
      table?.ruleCount = try socket.dump(rules(of: name)).count
      return table
    } catch {
      guard error.code == ENOENT else { throw error }
      return nil
    }
  }

  /// The number that goes up at each change of nftables, whoever makes it.
  static func generation(through socket: NetlinkSocket) throws(NetlinkError) -> UInt32? {
    generation(try socket.answer(to: NetlinkMessage(getGeneration, head: [0, 0, 0, 0])))
  }

  static func generation(_ answer: NetlinkMessage) -> UInt32? {
    guard answer.type == newGeneration else { return nil }
    return NetlinkAttributes.read(answer.body.dropFirst(4)).first { $0.type == 1 }
      .flatMap { Netlink.integer($0.value, at: 0, as: UInt32.self) }.map(UInt32.init(bigEndian:))
  }
}
