import Platform

/// Turns resources into what a person or a program asked for. One printer is made for each output.
public protocol ResourcePrinter: Sendable {
  /// The text of `items`, to be written after what earlier calls returned.
  mutating func text(of items: [PrintedResource]) throws(ResourceError) -> String
}

/// A resource and, where changes are watched, what happened to it.
public struct PrintedResource: Hashable, Sendable {
  /// What is printed.
  public let resource: Resource
  /// What happened to it, where somebody watches; nil for a plain list.
  public let event: ResourceEvent?

  /// `resource`, with what happened to it where somebody watches.
  public init(_ resource: Resource, event: ResourceEvent? = nil) {
    self.resource = resource
    self.event = event
  }
}

/// How resources are printed: what `-o` takes.
public enum OutputFormat: Hashable, Sendable {
  case table, yaml, json
  case jsonPath(JSONPathTemplate)

  /// The format that `text` names: `table`, `yaml`, `json` or `jsonpath=EXPRESSION`.
  ///
  /// - Throws: ``ResourceError`` that says what would be right.
  public init(_ text: String) throws(ResourceError) {
    let prefix = "jsonpath="
    switch text {
    case "table": self = .table
    case "yaml": self = .yaml
    case "json": self = .json
    case _ where text.hasPrefix(prefix):
      self = .jsonPath(try JSONPathTemplate(relaxed: String(text.dropFirst(prefix.count))))
    case "jsonpath":
      throw ResourceError("jsonpath needs an expression, such as jsonpath={.metadata.id}")
    default:
      let advice = didYouMean(text, among: ["table", "yaml", "json", "jsonpath"])
      throw ResourceError(
        "there is no output format '\(String(text.prefix(80)).shown)'"
          + (advice.map { ": \($0)" } ?? "")
          + " (the formats are table, yaml, json, jsonpath=EXPRESSION)")
    }
  }

  /// A printer of resources of `type`.
  ///
  /// - Parameter watching: whether changes follow, so that a table shows what happened in a first column.
  public func printer(of type: ResourceType, watching: Bool = false) -> any ResourcePrinter {
    switch self {
    case .table: TablePrinter(type: type, watching: watching)
    case .yaml: YAMLPrinter()
    case .json: JSONPrinter()
    case .jsonPath(let template): JSONPathPrinter(template: template)
    }
  }
}

/// A table with a header, printed also where there is nothing below it.
struct TablePrinter: ResourcePrinter {
  private var table = TextTable()
  private var header: [String]?
  private let isWatching: Bool

  init(type: ResourceType, watching: Bool) {
    isWatching = watching
    header = (watching ? ["*"] : []) + ["NODE", "NAMESPACE", "TYPE", "ID", "VERSION"] + type.columns
  }

  mutating func text(of items: [PrintedResource]) -> String {
    let rows = items.map { item in
      let metadata = item.resource.metadata
      return (isWatching ? [item.event?.sign ?? ""] : []) + [
        item.resource.node.shown, metadata.namespace, metadata.type.kind, metadata.id.shown,
        String(metadata.version),
      ] + item.resource.cells
    }
    defer { header = nil }
    return table.text(of: (header.map { [$0] } ?? []) + rows)
  }
}

/// YAML documents with `---` in between.
struct YAMLPrinter: ResourcePrinter {
  private var isFirst = true

  mutating func text(of items: [PrintedResource]) -> String {
    var text = ""
    for item in items {
      if !isFirst { text += "---\n" }
      isFirst = false
      text += YAMLText.text(of: item.resource.value(event: item.event))
    }
    return text
  }
}

/// JSON objects one after the other: not a list.
struct JSONPrinter: ResourcePrinter {
  func text(of items: [PrintedResource]) -> String {
    items.map { JSONText.pretty($0.resource.value(event: $0.event)) + "\n" }.joined()
  }
}

/// What a JSONPath template finds in each resource.
struct JSONPathPrinter: ResourcePrinter {
  let template: JSONPathTemplate

  func text(of items: [PrintedResource]) throws(ResourceError) -> String {
    var text = ""
    for item in items { text += try template.text(of: item.resource.value(event: item.event)) }
    return text
  }
}
