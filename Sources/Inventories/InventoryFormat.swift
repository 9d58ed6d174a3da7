import ClusterModel
import Documents

/// How a list of machines is written.
public enum InventoryFormat: String, CaseIterable, Sendable {
  /// Told by the content.
  case auto
  /// The short form, and documents of affiliates and members.
  case nodes
  /// Prometheus' targets in a file, JSON or YAML.
  case fileSD = "file_sd"
  /// The same, as a server gives them.
  case httpSD = "http_sd"
  /// What `ansible-inventory --list` prints, or an inventory in YAML.
  case ansible
  /// What `kubectl get nodes -o json|yaml` prints.
  case kubernetes
  /// hosts(5).
  case hosts
  /// A table whose first line names the columns.
  case csv

  /// Whether the form is lines of text, and no document of YAML or JSON.
  var isText: Bool { self == .hosts || self == .csv }
}

extension InventoryFormat {
  /// The form of lines of text that `text`, UTF-8 without a byte-order mark, is in; nil where it must be YAML or
  /// JSON.
  static func ofText(_ text: [UInt8]) -> InventoryFormat? {
    guard let line = firstLine(of: text) else { return nil }
    if let first = line.first, "{[\"-%&*!|>'".utf8.contains(first), !line.starts(with: "\"".utf8) {
      return nil
    }
    let words = String(decoding: line, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\t" })
    if words.count > 1, HostsFile.address(words[0]) != nil { return .hosts }
    return CSVTable.isHeader(line) ? .csv : nil
  }

  /// The first line that has text and is no comment.
  private static func firstLine(of text: [UInt8]) -> ArraySlice<UInt8>? {
    var rest = text[...]
    while !rest.isEmpty {
      let line = rest.prefix { $0 != 0x0A && $0 != 0x0D }
      let trimmed = line.drop { $0 == 0x20 || $0 == 0x09 }
      if let first = trimmed.first, first != UInt8(ascii: "#") { return trimmed.prefix(64 << 10) }
      rest = rest.dropFirst(line.count + 1)
    }
    return nil
  }

  /// The form that `stream` is in.
  static func of(_ stream: YAMLStream) -> InventoryFormat {
    guard let document = stream.documents.first(where: { !$0.isNull }) else { return .nodes }
    if let items = document.items {
      return items.first?["targets"] != nil ? .fileSD : .nodes
    }
    guard let pairs = document.pairs else { return .nodes }
    if let kind = document["kind"]?.string {
      return ["Node", "NodeList", "List"].contains(kind) || document["apiVersion"] != nil
        ? .kubernetes : .nodes
    }
    return AnsibleInventory.isInventory(pairs) ? .ansible : .nodes
  }
}
