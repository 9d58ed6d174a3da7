import ClusterModel
import Documents
import Platform

/// Reads hosts(5): an address and its names on each line, `#` before what is for people.
///
/// The first name of an address is the machine's; one name with several addresses is one machine, and further names of
/// an address are aliases of it. Lines that each machine has of itself (loopback, groups, `0.0.0.0` for who is to be
/// blocked) are left out.
struct HostsFile {
  private var machines = MachineDrafts()
  private var ownerOfAddress: [IPAddress: String] = [:]

  static func read(_ text: [UInt8], into builder: inout InventoryBuilder) {
    var reader = HostsFile()
    var hasLines = false
    for line in TextRows(text) where !reader.machines.isFull {
      if reader.read(line, into: &builder) { hasLines = true }
    }
    // A file of comments alone doesn't say that there is nobody.
    if hasLines { reader.machines.finish(into: &builder) }
  }

  /// The address that a line begins with.
  static func address(_ word: some StringProtocol) -> IPAddress? { MachineHost.address(word) }

  /// Whether the line says something.
  private mutating func read(_ line: TextRows.Row, into builder: inout InventoryBuilder) -> Bool {
    let words = line.words(before: "#")
    guard let first = words.first else { return false }
    guard let parsed = Self.address(first.text) else {
      builder.diagnostics.error(
        first.mark,
        "\(quoted(first.text)) isn't an IP address such as 10.5.0.2 or fd00::2; a line is an address and names"
      )
      builder.hideNodes()
      return true
    }
    guard let address = try? NodeAddress.check(parsed) else { return true }
    let names = words.dropFirst().filter { !HostName.isOwn($0.text) }
    guard !names.isEmpty else {
      if words.count == 1 {
        builder.diagnostics.error(first.mark, "the address \(first.text) has no name")
        builder.hideNodes()
      }
      return true
    }
    let good = names.first { name in
      guard let fault = HostName.fault(of: Self.plain(name.text)) else { return true }
      builder.diagnostics.error(name.mark, "\(quoted(name.text)) isn't a host's name: \(fault)")
      return false
    }
    guard let good else {
      builder.hideNodes()
      return true
    }
    let name = Self.plain(good.text)
    let key = name.lowercased()
    // A further name of an address that was named before is an alias.
    if let owner = ownerOfAddress[address], owner != key { return true }
    ownerOfAddress[address] = key
    machines.change(key, new: MachineDraft(name, at: first.mark)) { draft in
      if draft.hostname.isEmpty { draft.hostname = name }
      draft.add(address)
    }
    return true
  }

  private static func plain(_ name: String) -> String {
    name.hasSuffix(".") ? String(name.dropLast()) : name
  }
}
