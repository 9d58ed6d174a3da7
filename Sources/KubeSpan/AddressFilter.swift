public import ClusterModel

/// A list of networks and addresses by which addresses are picked, `!` before what is taken away:
/// `["0.0.0.0/0", "!192.168.0.0/16"]`.
///
/// The list is walked in its order: a network adds the addresses that lie in it, each once, and one with `!`
/// removes them; a later one may add them again. So negations alone leave nothing, and an empty list lets nothing
/// pass (siderolabs/net, `FilterIPs`).
public struct AddressFilter: Hashable, Sendable {
  private struct Rule: Hashable, Sendable {
    let isNegated: Bool
    let network: IPPrefix
  }

  private let rules: [Rule]

  /// The filter as it could be written.
  public var texts: [String] { rules.map { ($0.isNegated ? "!" : "") + $0.network.description } }

  /// The filter of `texts`: networks, or addresses, which are networks of one.
  ///
  /// - Throws: ``ModelError`` that names the first text that is neither.
  public init(_ texts: some Sequence<String>) throws(ModelError) {
    var rules: [Rule] = []
    for text in texts {
      let isNegated = text.utf8.first == UInt8(ascii: "!")
      let written = isNegated ? text.dropFirst() : text[...]
      guard let network = (try? IPPrefix(written)) ?? (try? IPAddress(written)).map(IPPrefix.init(host:))
      else {
        throw ModelError(
          "\(quoted(text)) isn't a filter such as 10.0.0.0/8, 10.0.0.5 or, to take away, !192.168.0.0/16")
      }
      rules.append(Rule(isNegated: isNegated, network: network))
    }
    self.rules = rules
  }

  /// Those of `addresses` that pass, in the order of the filter's networks.
  public func select(_ addresses: [IPAddress]) -> [IPAddress] {
    var selected: [IPAddress] = []
    for rule in rules {
      if rule.isNegated {
        selected.removeAll { rule.network.contains($0) }
      } else {
        for address in addresses where rule.network.contains(address) && !selected.contains(address) {
          selected.append(address)
        }
      }
    }
    return selected
  }

  /// Whether `address` passes: what the last network that has it says.
  public func allows(_ address: IPAddress) -> Bool {
    rules.last { $0.network.contains(address) }?.isNegated == false
  }
}
