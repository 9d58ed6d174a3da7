import Documents

extension ResourceValue {
  /// The value as a document, for printing.
  fileprivate var document: YAMLNode {
    switch self {
    case .null, .bool, .integer, .time, .preciseTime: .plain(scalarText ?? "")
    case .text(let text): .text(text)
    case .list(let items): .list(items.map(\.document))
    case .fields(let fields): .mapping(fields.map { ($0.name, $0.value.document) })
    }
  }
}

/// A resource as YAML.
public enum YAMLText {
  /// `value` as one document, four spaces to a level, ended by a line break.
  public static func text(of value: ResourceValue) -> String { YAML.text(of: [value.document]) }
}

/// A resource as JSON, for people and for programs.
public enum JSONText {
  /// `value` on one line without spaces; fields in their own order.
  public static func compact(_ value: ResourceValue) -> String { YAML.json(of: value.document) }

  /// `value` over several lines, each level `indent` spaces further in. Fields are sorted by name, as
  /// `talosctl` prints them.
  public static func pretty(_ value: ResourceValue, indent: Int = 4) -> String {
    YAML.json(of: value.document, .indented(by: indent))
  }
}
