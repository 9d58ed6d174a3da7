import ClusterModel
import Documents
import Platform

/// Reads a table whose first line names the columns (RFC 4180), with commas, semicolons or tabs between its cells.
///
/// Columns that name what a node has are that; each other column is a label. So is what `label:KEY` names; `labels` has
/// several, as a JSON object or as `key=value` with spaces, commas or semicolons between them.
struct CSVTable {
  /// What a column is.
  private enum Column: Hashable {
    case nodeID, id, hostname, nodename, operatingSystem, machineType, addresses, machineID, publicKey
    case apiServerPort, labels
    case label(String)
    case skipped
  }

  /// What columns are called, without case, spaces, dashes, underscores and dots.
  private static let names: [(Column, [String])] = [
    (.nodeID, ["nodeid"]), (.id, ["id", "localid"]), (.nodename, ["nodename", "node", "kubernetesnode"]),
    (.hostname, ["hostname", "host", "fqdn", "dnsname", "name", "inventoryhostname"]),
    (
      .addresses,
      [
        "addresses", "address", "ip", "ips", "ipaddress", "ipaddresses", "ipv4", "ipv6", "ip4", "ip6",
        "primaryip",
        "primaryip4", "primaryip6", "primaryipv4", "primaryipv6", "privateip", "publicip", "ansiblehost",
      ]
    ),
    (.machineID, ["machineid"]), (.machineType, ["machinetype"]),
    (.operatingSystem, ["operatingsystem", "os"]), (.publicKey, ["publickey", "wireguardpublickey"]),
    (.apiServerPort, ["controlplaneport", "apiserverport"]), (.labels, ["labels"]),
  ]

  /// What says which machine a row is of.
  private static let naming: Set<Column> = [.nodeID, .id, .hostname, .nodename, .addresses]
  /// What Rollcall's own export has beside what a list says: how it found the members.
  private static let found: Set<String> = ["status", "reason", "since", "flags", "sources"]

  private let columns: [Column]
  private let names: [String]

  // MARK: Reading

  /// Whether `line` is the header of such a table.
  static func isHeader(_ line: ArraySlice<UInt8>) -> Bool {
    guard !line.contains(UInt8(ascii: "{")), !String(decoding: line, as: UTF8.self).contains(": ") else {
      return false
    }
    var cells = CSVCells(Array(line))
    guard let header = try? cells.next(), header.cells.count > 1 else { return false }
    return header.cells.contains { kind(of: $0.text).map(naming.contains) ?? false }
  }

  static func read(_ text: [UInt8], into builder: inout InventoryBuilder) throws(YAMLError) {
    var cells = CSVCells(text)
    let diagnostics = builder.diagnostics
    func row() throws(YAMLError) -> CSVCells.Row? {
      do throws(CSVCells.Failure) {
        return try cells.next()
      } catch {
        throw YAMLError(file: diagnostics.file, mark: error.mark, message: error.message)
      }
    }
    guard let header = try row() else { return }
    let table = try CSVTable(header, diagnostics)
    builder.listNodes()
    while !builder.isFull, let row = try row() {
      guard row.cells.count >= table.columns.count,
        row.cells.dropFirst(table.columns.count).allSatisfy(\.text.isEmpty)
      else {
        diagnostics.error(
          row.mark, "the row has \(row.cells.count) cells, and the header has \(table.columns.count)")
        builder.hideNodes()
        continue
      }
      builder.add(table.record(row, diagnostics), at: row.mark)
    }
  }

  private init(_ header: CSVCells.Row, _ diagnostics: Diagnostics) throws(YAMLError) {
    let cells = header.cells.reversed().drop { $0.text.isEmpty }.reversed()
    let texts = Set(cells.map { Self.folded($0.text) })
    let isOwnExport = Self.found.isSubset(of: texts) && texts.contains("nodeid")
    // Of several names of a hostname the one that is listed first is it; the others are labels.
    let hostname = Self.names.first { $0.0 == .hostname }?.1.first { texts.contains($0) }
    var columns: [Column] = []
    var seen: Set<Column> = []
    for cell in cells {
      let folded = Self.folded(cell.text)
      var column = Self.kind(of: cell.text) ?? .label(cell.text)
      if column == .hostname, folded != hostname { column = .label(cell.text) }
      if isOwnExport, Self.found.contains(folded) { column = .skipped }
      if cell.text.isEmpty {
        diagnostics.error(cell.mark, "a column has no name, and is left out")
        column = .skipped
      } else if column != .addresses, column != .skipped, !seen.insert(column).inserted {
        diagnostics.error(cell.mark, "the column \(quoted(cell.text)) is there twice; the first one counts")
        column = .skipped
      }
      columns.append(column)
    }
    guard columns.contains(where: Self.naming.contains) else {
      throw YAMLError(
        file: diagnostics.file, mark: header.mark,
        message:
          "the first line names the columns; none of id, nodeId, nodename, hostname and addresses is among "
          + "them")
    }
    guard columns.count <= InventoryLimits.columns else {
      throw YAMLError(
        file: diagnostics.file, mark: header.mark,
        message: "a table has at most \(InventoryLimits.columns) columns, this one has \(columns.count)")
    }
    self.columns = columns
    names = cells.map(\.text)
  }

  private static func folded(_ text: String) -> String {
    String(text.lowercased().filter { !" -_.".contains($0) })
  }

  private static func kind(of text: String) -> Column? {
    for prefix in ["label:", "labels."] where text.hasPrefix(prefix) && text != prefix {
      return .label(String(text.dropFirst(prefix.count)))
    }
    let folded = folded(text)
    return names.first { $0.1.contains(folded) }?.0
  }

  // MARK: Rows

  private func record(_ row: CSVCells.Row, _ diagnostics: Diagnostics) -> AffiliateRecord? {
    func cell(_ column: Column) -> CSVCells.Cell? {
      columns.firstIndex(of: column).map { row.cells[$0] }.flatMap { $0.text.isEmpty ? nil : $0 }
    }
    let subject = [.nodeID, .id, .nodename, .hostname, .addresses].lazy.compactMap(cell).first
    guard let subject else {
      diagnostics.error(row.mark, "the row doesn't say which machine it is of")
      return nil
    }
    func report(_ cell: CSVCells.Cell, _ column: String, _ error: ModelError) {
      diagnostics.error(cell.mark, "node \(quoted(subject.text)): \(column): \(error)")
    }
    func parsed<Value>(_ column: Column, _ body: (String) throws(ModelError) -> Value) -> Value? {
      guard let index = columns.firstIndex(of: column), !row.cells[index].text.isEmpty else { return nil }
      do throws(ModelError) {
        return try body(try Self.line(row.cells[index].text))
      } catch {
        report(row.cells[index], names[index], error)
        return nil
      }
    }
    let identity = parsed(.nodeID) { (text) throws(ModelError) in try NodeIdentity(text) }
    if identity == nil, cell(.nodeID) != nil { return nil }
    let ownID = parsed(.id) { (text) throws(ModelError) in try NodeIdentity(text) }
    // Rollcall's own export calls members by their nodenames.
    let nodename =
      parsed(.nodename) { (text) throws(ModelError) in try Self.name(text) }
      ?? (identity == nil || columns.contains(.nodename) ? nil : ownID?.text)
    let hostname = parsed(.hostname) { (text) throws(ModelError) in try Self.name(text) }
    var addresses: [IPAddress] = []
    for (index, column) in columns.enumerated() where column == .addresses {
      for part in row.cells[index].text.split(whereSeparator: { " ,;|\n\t".contains($0) }) {
        do throws(ModelError) {
          addresses.append(try Self.address(part))
        } catch {
          report(row.cells[index], names[index], error)
        }
      }
    }
    // What can't be read has been reported: once it is mended it names the node, and not what follows.
    if identity == nil {
      if ownID == nil, cell(.id) != nil { return nil }
      if ownID == nil, nodename == nil, cell(.nodename) != nil { return nil }
      if ownID == nil, nodename == nil, hostname == nil, cell(.hostname) != nil { return nil }
    }
    guard let name = ownID?.text ?? nodename ?? hostname ?? addresses.first?.description ?? identity?.text
    else {
      // What names it can't be read, which has been reported.
      return nil
    }
    var draft = MachineDraft(name, at: row.mark)
    draft.identity = identity
    (draft.nodename, draft.hostname) = (nodename ?? "", hostname ?? "")
    for address in addresses { draft.add(address) }
    draft.machineID = parsed(.machineID) { (text) throws(ModelError) in try MachineID.parse(text) } ?? ""
    draft.machineType =
      parsed(.machineType) { (text) throws(ModelError) in try NodeReader.machineType(text.lowercased()) }
      ?? .unknown
    draft.publicKey = parsed(.publicKey) { (text) throws(ModelError) in try WireGuardKey.parse(text) } ?? ""
    draft.operatingSystem =
      parsed(.operatingSystem) { (text) throws(ModelError) in
        guard text.utf8.count <= InventoryLimits.operatingSystemBytes else {
          throw ModelError("it has at most \(InventoryLimits.operatingSystemBytes) bytes")
        }
        return text
      } ?? ""
    draft.controlPlane = parsed(.apiServerPort) { (text) throws(ModelError) in
      guard let port = UInt16(text), port > 0 else {
        throw ModelError("\(quoted(text)) isn't a port from 1 to 65535")
      }
      return ControlPlane(apiServerPort: port)
    }
    for (index, column) in columns.enumerated() where !row.cells[index].text.isEmpty {
      do throws(ModelError) {
        switch column {
        case .label(let key): try draft.addLabel(key, row.cells[index].text)
        case .labels:
          for (key, value) in try Self.labels(row.cells[index].text) { try draft.addLabel(key, value) }
        default: break
        }
      } catch {
        report(row.cells[index], names[index], error)
      }
    }
    do throws(ModelError) {
      return try draft.record()
    } catch {
      report(subject, "id", error)
      return nil
    }
  }

  private static func line(_ text: String) throws(ModelError) -> String {
    guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw ModelError("\(quoted(text)) has a control character; it is one line of text")
    }
    return text
  }

  private static func name(_ text: String) throws(ModelError) -> String {
    guard text.utf8.count <= InventoryLimits.nameBytes else {
      throw ModelError(
        "a name has at most \(InventoryLimits.nameBytes) bytes, this one has \(text.utf8.count)")
    }
    return text
  }

  /// An address, be it with the length of its network, as NetBox writes them.
  static func address(_ text: some StringProtocol) throws(ModelError) -> IPAddress {
    guard let slash = text.firstIndex(of: "/") else { return try NodeAddress.parse(text) }
    _ = try IPPrefix(text)
    return try NodeAddress.parse(text[..<slash])
  }

  /// `{"rack": "12"}`, or `rack=12 role=web`.
  private static func labels(_ text: String) throws(ModelError) -> [(key: String, value: String)] {
    if text.hasPrefix("{") {
      let stream: YAMLStream
      do throws(YAMLError) {
        stream = try YAML.parseJSON(text.utf8, file: "")
      } catch {
        throw ModelError("it isn't a JSON object of labels: \(error.message)")
      }
      return (stream.documents.first?.pairs ?? []).compactMap { pair in
        pair.value.scalar.map { (pair.key, $0.kind == .null ? "" : $0.text) }
      }
    }
    var labels: [(key: String, value: String)] = []
    for part in text.split(whereSeparator: { " ,;".contains($0) }) {
      let equals = part.firstIndex(of: "=") ?? part.endIndex
      labels.append((String(part[..<equals]), String(part[equals...].dropFirst())))
    }
    return labels
  }
}
