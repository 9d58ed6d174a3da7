import KubernetesRegistry

/// What a decoder makes of bytes, as text: one line for each thing, the error last.
struct Outcome: Hashable, CustomStringConvertible {
  private(set) var lines: [String] = []

  var description: String { lines.map { $0 + "\n" }.joined() }

  /// What comes of a list that arrives in `pieces`.
  static func list(_ pieces: some Sequence<ArraySlice<UInt8>>) -> Outcome {
    var outcome = Outcome()
    var decoder = NodeListDecoder()
    do throws(NodeDecodeError) {
      for piece in pieces {
        for node in try decoder.feed(Array(piece)) { outcome.add("node", node) }
      }
      let end = try decoder.finish()
      outcome.count(decoder.skipped, decoder.dropped)
      outcome.lines.append(
        "end \(end.resourceVersion), continue \(end.continueToken ?? "-"), "
          + "remaining \(end.remaining.map(String.init) ?? "-")")
    } catch {
      outcome.add(error)
    }
    return outcome
  }

  /// What comes of a watch that arrives in `pieces`.
  static func watch(_ pieces: some Sequence<ArraySlice<UInt8>>) -> Outcome {
    var outcome = Outcome()
    var decoder = NodeWatchDecoder()
    do throws(NodeDecodeError) {
      for piece in pieces {
        for event in try decoder.feed(Array(piece)) { outcome.add(event) }
      }
      try decoder.finish()
      outcome.count(decoder.skipped, decoder.dropped)
      outcome.lines.append("end")
    } catch {
      outcome.add(error)
    }
    return outcome
  }

  private mutating func add(_ event: NodeWatchEvent) {
    switch event {
    case .added(let node): add("added", node)
    case .modified(let node): add("modified", node)
    case .deleted(let node): add("deleted", node)
    case .bookmark(let version, let isEnd):
      lines.append("bookmark \(version)\(isEnd ? ", the initial events end" : "")")
    case .error(let code, let reason, let message): lines.append("error \(code) \(reason): \(message)")
    }
  }

  private mutating func add(_ what: String, _ node: NodeObject) {
    lines.append(
      "\(what) \(node.name.debugDescription), uid \(node.uid.debugDescription), "
        + "version \(node.resourceVersion.debugDescription)\(node.isControlPlane ? ", control plane" : "")")
    if let time = node.createdAt { lines.append("  created \(time)") }
    if !node.hostname.isEmpty { lines.append("  hostname \(node.hostname.debugDescription)") }
    if !node.addresses.isEmpty { lines.append("  addresses \(node.addresses)") }
    if !node.osImage.isEmpty { lines.append("  osImage \(node.osImage.debugDescription)") }
    if !node.machineID.isEmpty { lines.append("  machineID \(node.machineID.debugDescription)") }
    switch node.health {
    case nil: break
    case .ready: lines.append("  ready")
    case .notReady(let reason): lines.append("  not ready: \(reason.debugDescription)")
    }
    for (key, value) in node.annotations.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(key) = \(value.debugDescription)")
    }
  }

  private mutating func count(_ skipped: Int, _ dropped: Int) {
    if skipped > 0 { lines.append("\(skipped) skipped") }
    if dropped > 0 { lines.append("\(dropped) values dropped") }
  }

  private mutating func add(_ error: NodeDecodeError) {
    lines.append("\(error.code): \(error)")
  }
}

/// The pieces of `bytes` of `length` each; the last may be shorter.
func pieces(of bytes: [UInt8], length: Int) -> [ArraySlice<UInt8>] {
  stride(from: 0, to: bytes.count, by: length).map { bytes[$0..<min($0 + length, bytes.count)] }
}
