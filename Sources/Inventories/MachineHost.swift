import ClusterModel
import Platform

/// What a list reaches a machine by: an address or a name, be it with a port, in a URL, or in brackets.
enum MachineHost: Hashable {
  case address(IPAddress)
  /// As it is written, without a dot at its end.
  case name(String)
  /// Each machine itself: `localhost`, `127.0.0.1`, `0.0.0.0`.
  case own

  /// - Throws: where `text` is neither.
  init(_ text: some StringProtocol) throws(ModelError) {
    let host = try Self.host(of: text)
    if let address = Self.address(host) {
      let plain = NodeAddress.plain(address)
      self = plain.isLoopback || plain.isUnspecified ? .own : .address(try NodeAddress.check(plain))
      return
    }
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    if HostName.isOwn(name) {
      self = .own
      return
    }
    if let fault = HostName.fault(of: name) {
      throw ModelError("\(quoted(text.description)) isn't an address or a host's name: \(fault)")
    }
    self = .name(name)
  }

  /// What machines are told apart by: names whatever their case.
  var key: String {
    switch self {
    case .address(let address): address.description
    case .name(let name): name.lowercased()
    case .own: "localhost"
    }
  }

  /// What the machine is called by.
  var text: String {
    switch self {
    case .name(let name): name
    case .address, .own: key
    }
  }

  /// Says it of a machine.
  func apply(to draft: inout MachineDraft) {
    switch self {
    case .address(let address): draft.add(address)
    case .name(let name): if draft.hostname.isEmpty { draft.hostname = name }
    case .own: break
    }
  }

  /// The address that `text` is, without a zone.
  static func address(_ text: some StringProtocol) -> IPAddress? {
    try? IPAddress(text.prefix { $0 != "%" })
  }

  /// The host in `text`, without what stands around it.
  private static func host(of text: some StringProtocol) throws(ModelError) -> String {
    var rest = text.description[...]
    if let scheme = rest.range(of: "://") {
      rest = rest[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
      if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    }
    if rest.hasPrefix("[") {
      guard let end = rest.firstIndex(of: "]"), isPort(rest[rest.index(after: end)...]) else {
        throw ModelError("\(quoted(text.description)) isn't written as [address]:port")
      }
      return String(rest[rest.index(after: rest.startIndex)..<end])
    }
    guard address(rest) == nil, let colon = rest.lastIndex(of: ":") else { return String(rest) }
    guard isPort(rest[colon...]) else {
      throw ModelError("\(quoted(text.description)) isn't written as host:port")
    }
    return String(rest[..<colon])
  }

  /// Whether `text` is a port after a colon, or nothing.
  private static func isPort(_ text: Substring) -> Bool {
    guard let first = text.first else { return true }
    return first == ":" && (1...65_535).contains(Int(text.dropFirst()) ?? 0)
      && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}

extension Substring {
  /// Where `text` first is.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start != endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
