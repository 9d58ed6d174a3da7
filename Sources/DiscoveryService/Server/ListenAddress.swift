/// Where to listen: `:3000` on every address, `127.0.0.1:3000`, `[::1]:3000`.
public struct ListenAddress: Hashable, Sendable {
  /// The host or address; nil for every address of the machine.
  public var host: String?
  /// The port; 0 takes a free one.
  public var port: Int

  /// The address of `port` on `host`, or on every address of the machine.
  public init(host: String? = nil, port: Int) {
    self.host = host
    self.port = port
  }

  /// The address that `text` writes, or nil where it writes none.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
    } else if host.contains(":") {
      return nil
    }
    self.init(host: host.isEmpty ? nil : host, port: port)
  }
}

extension ListenAddress: CustomStringConvertible {
  public var description: String {
    guard let host else { return ":\(port)" }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
