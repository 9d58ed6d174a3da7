import ClusterModel
import ClusterResources

/// The mesh for a person.
enum KubeSpanText {
  /// The gap between columns: narrower than elsewhere, as there are many.
  private static let gap = 2

  // MARK: All peers

  /// This node and its device, then a row for each peer, those that aren't up first.
  static func table(_ document: ResourceValue, _ style: Style, width: Int?) -> String {
    let now = KubeSpanView.moment(document)
    let peers = sorted(document["peers"]?.items ?? [])
    var blocks = [head(document, now, style, width)]
    if !peers.isEmpty { blocks.append(rows(peers, now, style, width, hasHeader: true)) }
    let omitted = (document["omitted"]?.items ?? []).map { node in
      wrapped(
        "\(ShortID.text(node["nodeId"]?.text ?? "")) is no peer: \(node["message"]?.text ?? "")".shown,
        indent: 0, width)
    }
    if !omitted.isEmpty { blocks.append(omitted.joined()) }
    return blocks.joined(separator: "\n")
  }

  /// The rows of peers that are another way than they were, and what goes wrong or no longer does.
  static func changes(
    from old: ResourceValue, to new: ResourceValue, _ style: Style, width: Int?
  ) -> String {
    let now = KubeSpanView.moment(new)
    var text = ""
    let before = Dictionary(
      (old["peers"]?.items ?? []).map { ($0["nodeId"]?.text ?? "", $0) }, uniquingKeysWith: { $1 })
    let peers = new["peers"]?.items ?? []
    let changed = peers.filter { peer in
      let known = before[peer["nodeId"]?.text ?? ""]
      return known.map(KubeSpanView.essence(ofPeer:)) != KubeSpanView.essence(ofPeer: peer)
    }
    if !changed.isEmpty { text += rows(changed, now, style, width, hasHeader: false) }
    let there = Set(peers.compactMap { $0["nodeId"]?.text })
    for peer in old["peers"]?.items ?? [] where !there.contains(peer["nodeId"]?.text ?? "") {
      text += "\(name(peer).shown) is no peer any more\n"
    }
    let (problem, last) = (new.at("problem", "message")?.text, old.at("problem", "message")?.text)
    if problem != last {
      text += wrapped((problem.map { "problem: \($0)" } ?? "the problem is over").shown, indent: 0, width)
    }
    return text.isEmpty ? "" : ClockText.text(now, at: now) + "\n" + text
  }

  private static func head(
    _ document: ResourceValue, _ now: Timestamp, _ style: Style, _ width: Int?
  ) -> String {
    var lines: [(String, String)] = []
    if let identity = document["identity"], identity != .null {
      lines.append(("address", identity["address"]?.text ?? ""))
      lines.append(("public key", identity["publicKey"]?.text ?? ""))
    }
    if let device = document["device"], device != .null {
      lines.append(
        (
          "device",
          "\(device["interface"]?.text ?? "") (\(device["kind"]?.text ?? "")), port "
            + "\(device["listenPort"]?.scalarText ?? ""), MTU \(device["mtu"]?.scalarText ?? "")"
        ))
    } else {
      lines.append(("device", "none"))
    }
    func count(_ name: String) -> Int64 { document.at("counts", name)?.integer ?? 0 }
    var parts = ["up", "unknown", "down"].filter { count($0) > 0 }.map { "\(count($0)) \($0)" }
    if count("overdue") > 0 { parts.append("\(count("overdue")) for too long") }
    if count("kept") > 0 { parts.append("\(count("kept")) kept from before") }
    lines.append(
      ("peers", "\(count("peers"))" + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))))
    var text = lines.map { "\(padded($0.0, 10))  \($0.1.shown)\n" }.joined()
    if let message = document.at("problem", "message")?.text {
      let since = document.at("problem", "since")?.time.map { " (since \(moment($0, now)))" } ?? ""
      text += labelled("problem", "\(message)\(since)", style.red, width)
    }
    for warning in (document["warnings"]?.items ?? []).compactMap(\.text) {
      text += labelled("warning", warning, style.yellow, width)
    }
    return text
  }

  private static func labelled(
    _ label: String, _ text: String, _ colour: (String) -> String, _ width: Int?
  ) -> String {
    let lines = wrapped(text.shown, indent: 0, width.map { max(20, $0 - 12) }).split(separator: "\n")
    return lines.enumerated().map { index, line in
      (index == 0 ? colour(label) + String(repeating: " ", count: 12 - label.count) : blanks(12)) + line
        + "\n"
    }.joined()
  }

  // MARK: Rows

  private static let titles = ["NAME", "STATE", "SINCE", "RX", "TX", "SHAKE", "ENDPOINT"]
  private static let shortestName = 12

  /// Where there is no room for all, names are cut, and long endpoints are in a line of their own; why a peer isn't up
  /// always is.
  private static func rows(
    _ peers: [ResourceValue], _ now: Timestamp, _ style: Style, _ width: Int?, hasHeader: Bool
  ) -> String {
    let cells: [[String]] = peers.map { Self.cells(of: $0, now) }
    var longestName = cells.map { $0[0].count }.max() ?? 0
    if let width {
      let others = (1..<6).map { column in
        ([hasHeader ? titles[column].count : 0] + cells.map { $0[column].count }).max() ?? 0
      }
      let endpoint = max(
        "ENDPOINT".count, cells.map { $0[6].count }.filter { $0 <= longestEndpoint }.max() ?? 0)
      let rest = others.reduce(0, +) + 6 * gap + endpoint
      longestName = min(longestName, max(shortestName, width - rest))
    }
    var details: [[String]] = []
    var shown: [[String]] = []
    for (peer, written) in zip(peers, cells) {
      var row = written
      row[0] = cut(row[0], longestName)
      var more = (peer["why"]?.items ?? []).compactMap(\.text)
      if width != nil, row[6].count > longestEndpoint {
        more.insert("at \(row[6])", at: 0)
        row[6] = ""
      }
      details.append(more)
      shown.append(row)
    }
    var table = TextTable(gap: gap)
    var lines = table.text(of: (hasHeader ? [titles] : []) + shown).split(separator: "\n")
      .map { $0.trimmingBlanks }[...]
    var text = hasHeader ? (lines.popFirst() ?? "") + "\n" : ""
    for (index, line) in lines.enumerated() {
      text += coloured(String(line), peers[index]["state"]?.text, style) + "\n"
      for detail in details[index] { text += wrapped(detail.shown, indent: 4, width) }
    }
    return text
  }

  /// The longest endpoint that stands in a row: of IPv4.
  private static let longestEndpoint = 21

  private static func cells(of peer: ResourceValue, _ now: Timestamp) -> [String] {
    let since = peer["since"]?.time.map { AgeText.text(from: $0, to: now) }
    let handshake = peer["handshakeAgeSeconds"]?.integer.map { AgeText.text(seconds: $0) }
    let endpoint = peer["endpoint"]?.text ?? ""
    let cells: [String] = [
      name(peer), peer["state"]?.text ?? "", since ?? "-", bytes(peer["receiveBytes"]),
      bytes(peer["transmitBytes"]), handshake ?? "never", endpoint.isEmpty ? "-" : endpoint,
    ]
    return cells.map(\.shown)
  }

  private static func coloured(_ line: String, _ state: String?, _ style: Style) -> String {
    switch state {
    case "up": line
    case "down": style.red(line)
    default: style.yellow(line)
    }
  }

  /// Those that aren't up first, then by name.
  private static func sorted(_ peers: [ResourceValue]) -> [ResourceValue] {
    func rank(_ peer: ResourceValue) -> Int {
      switch peer["state"]?.text {
      case "down": 0
      case "up": 2
      default: 1
      }
    }
    return peers.enumerated().sorted { left, right in
      let (mine, theirs) = (
        (rank(left.element), name(left.element)), (rank(right.element), name(right.element))
      )
      return mine != theirs ? mine < theirs : left.offset < right.offset
    }.map(\.element)
  }

  // MARK: One peer

  /// Everything that is known of a peer.
  static func detail(_ peer: ResourceValue, at now: Timestamp, _ style: Style, width: Int?) -> String {
    let state = peer["state"]?.text ?? ""
    let since = peer["since"]?.time.map { " since \(moment($0, now))" } ?? ""
    var lines: [(String, String)] = [
      ("identity", peer["nodeId"]?.text ?? ""), ("public key", peer["publicKey"]?.text ?? ""),
      ("address", peer["address"]?.text ?? ""), ("allowed IPs", list(peer["allowedIPs"])),
      ("endpoint", endpoint(peer, now)), ("handshake", handshake(peer, now)),
      ("traffic", "\(bytes(peer["receiveBytes"])) received, \(bytes(peer["transmitBytes"])) sent"),
    ]
    for (index, endpoint) in (peer["endpoints"]?.items ?? []).enumerated() {
      let refused = endpoint["refused"]?.text.map { " (not tried: \($0))" } ?? ""
      lines.append((index == 0 ? "listed" : "", (endpoint["endpoint"]?.text ?? "") + refused))
    }
    for (index, reason) in (peer["why"]?.items ?? []).compactMap(\.text).enumerated() {
      lines.append((index == 0 ? "why" : "", reason))
    }
    if peer["trouble"]?.text == "no-answer" {
      lines.append(
        (
          "note",
          "that nobody answers may also be another shared key (cluster.secret), which can't be told from it, "
            + "or a firewall in front of the UDP port"
        ))
    }
    let head = "\(style.bold(name(peer).shown))   \(state)\(since)\n"
    return head
      + lines.map { label, text in
        let parts = wrapped(text.shown, indent: 0, width.map { max(20, $0 - 17) }).split(separator: "\n")
        return parts.enumerated().map { index, part in
          "    \(padded(index == 0 ? label : "", 11))  \(part)\n"
        }.joined()
      }.joined()
  }

  private static func endpoint(_ peer: ResourceValue, _ now: Timestamp) -> String {
    guard let endpoint = peer["endpoint"]?.text, !endpoint.isEmpty else { return "none" }
    let changes = peer["endpointChanges"]?.integer ?? 0
    guard changes > 0, let time = peer["lastEndpointChange"]?.time else { return endpoint }
    return "\(endpoint); chosen \(changes == 1 ? "once" : "\(changes) times"), last \(moment(time, now))"
  }

  private static func handshake(_ peer: ResourceValue, _ now: Timestamp) -> String {
    guard let age = peer["handshakeAgeSeconds"]?.integer else { return "never" }
    return "\(AgeText.text(seconds: age)) ago"
  }

  private static func list(_ value: ResourceValue?) -> String {
    let items = (value?.items ?? []).compactMap(\.text)
    return items.isEmpty ? "none" : items.joined(separator: ", ")
  }

  // MARK: Steps

  /// A peer's nodename, or a part of its identity.
  private static func name(_ peer: ResourceValue) -> String {
    let label = peer["label"]?.text ?? ""
    return label.isEmpty ? ShortID.text(peer["nodeId"]?.text ?? "") : label
  }

  /// `17.9M`, by powers of 1024.
  static func bytes(_ value: ResourceValue?) -> String {
    let count = max(0, value?.integer ?? 0)
    let units = ["K", "M", "G", "T", "P", "E"]
    var (rest, unit) = (Double(count), -1)
    // What would be rounded to 1024 is one of the next unit.
    while rest >= (unit < 0 ? 1024 : 1023.95), unit < units.count - 1 {
      rest /= 1024
      unit += 1
    }
    guard unit >= 0 else { return "\(count)B" }
    let tenths = Int((rest * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)\(units[unit])"
  }

  private static func moment(_ time: Timestamp, _ now: Timestamp) -> String {
    "\(ClockText.text(time, at: now)) (\(AgeText.text(from: time, to: now)))"
  }

  private static func cut(_ text: String, _ length: Int) -> String {
    text.count <= length ? text : text.prefix(max(1, length - 1)) + "…"
  }

  private static func padded(_ text: String, _ length: Int) -> String {
    text + blanks(length - text.count)
  }

  private static func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  /// `text` in lines of at most `width` characters, each ended and indented; words aren't broken.
  static func wrapped(_ text: String, indent: Int, _ width: Int?) -> String {
    let room = max(20, (width ?? .max) - indent)
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > room {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    lines.append(line)
    return lines.map { blanks(indent) + $0 + "\n" }.joined()
  }
}

extension Substring {
  /// The text without blanks at its end.
  fileprivate var trimmingBlanks: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
