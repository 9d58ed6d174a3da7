public import ClusterModel
import Platform

/// Turns resources into what a person or a program asked for. One printer is made for each output.
public protocol ResourcePrinter: Sendable {
  /// The text of `items`, to be written after what earlier calls returned.
  ///
  /// - Parameter now: what ages are measured to: the time of who made the documents.
  mutating func text(of items: [PrintedResource], at now: Timestamp) throws(ResourceError) -> String

  /// What a person should know of all that was printed, in lines for the standard error.
  var notes: [String] { get }
}

extension ResourcePrinter {
  /// The text of `items`, with ages up to the present.
  public mutating func text(of items: [PrintedResource]) throws(ResourceError) -> String {
    try text(of: items, at: .now())
  }

  public var notes: [String] { [] }
}

/// A resource and, where changes are watched, what happened to it.
public struct PrintedResource: Hashable, Sendable {
  /// What is printed: `{node, metadata, spec, status}`.
  public let document: ResourceValue
  /// What happened to it, where somebody watches; nil for a plain list.
  public let event: ResourceEvent?

  /// `document`, with what happened to it where somebody watches.
  public init(_ document: ResourceValue, event: ResourceEvent? = nil) {
    self.document = document
    self.event = event
  }

  /// `resource`, with what happened to it where somebody watches.
  public init(_ resource: Resource, event: ResourceEvent? = nil) {
    self.init(resource.value(), event: event)
  }

  /// The whole document, with what happened to it after its node.
  var value: ResourceValue {
    guard let event, case .fields(var fields) = document else { return document }
    let place = fields.first?.name == "node" ? 1 : 0
    fields.insert(ResourceValue.Field("event", .text(event.rawValue)), at: place)
    return .fields(fields)
  }
}

/// A table with a header, printed also where there is nothing below it.
struct TablePrinter: ResourcePrinter {
  private var table = TextTable()
  private let columns: [TableColumn]
  private var header: [[String]]
  private let isWatching: Bool

  init(columns: [TableColumn], watching: Bool, hasHeader: Bool) {
    self.columns = columns
    isWatching = watching
    header = hasHeader ? [(watching ? ["*"] : []) + columns.map(\.title)] : []
  }

  mutating func text(of items: [PrintedResource], at now: Timestamp) -> String {
    var rows = header
    header = []
    rows.reserveCapacity(rows.count + items.count)
    for item in items {
      var row = isWatching ? [item.event?.sign ?? ""] : []
      for column in columns { row.append(column.cell(item.document, now)) }
      rows.append(row)
    }
    return table.text(of: rows)
  }
}

/// What resources are called, so that other verbs take it: `member/w-3`.
struct NamePrinter: ResourcePrinter {
  let kind: String

  func text(of items: [PrintedResource], at now: Timestamp) -> String {
    items.map { "\(kind)/\($0.document.at("metadata", "id")?.scalarText?.shown ?? "")\n" }.joined()
  }
}

/// YAML documents with `---` in between.
struct YAMLPrinter: ResourcePrinter {
  private var isFirst = true

  mutating func text(of items: [PrintedResource], at now: Timestamp) -> String {
    var text = ""
    for item in items {
      if !isFirst { text += "---\n" }
      isFirst = false
      text += YAMLText.text(of: item.value)
    }
    return text
  }
}

/// JSON objects one after the other: not a list.
struct JSONPrinter: ResourcePrinter {
  func text(of items: [PrintedResource], at now: Timestamp) -> String {
    items.map { JSONText.pretty($0.value) + "\n" }.joined()
  }
}

/// JSON objects, a line each.
struct LinePrinter: ResourcePrinter {
  func text(of items: [PrintedResource], at now: Timestamp) -> String {
    items.map { JSONText.compact($0.value) + "\n" }.joined()
  }
}

/// What a JSONPath template finds: over the whole list where it asks for `.items`, as kubectl does, else in each
/// resource.
struct JSONPathPrinter: ResourcePrinter {
  let template: JSONPathTemplate
  private var count = 0
  private var hasMatched = false

  init(template: JSONPathTemplate) { self.template = template }

  mutating func text(of items: [PrintedResource], at now: Timestamp) throws(ResourceError) -> String {
    count += items.count
    if template.isOfList {
      let list: ResourceValue = ["items": .list(items.map(\.value))]
      return try text(of: list, size: items.count)
    }
    var text = ""
    for item in items { text += try self.text(of: item.value, size: 1) }
    return text
  }

  private mutating func text(of value: ResourceValue, size: Int) throws(ResourceError) -> String {
    let result = try template.result(of: value, size: size)
    hasMatched = hasMatched || result.hasMatched
    return result.text
  }

  var notes: [String] {
    guard count > 0, !hasMatched else { return [] }
    let rows = count == 1 ? "the one resource" : "any of \(count) resources"
    return ["the jsonpath expression '\(String(template.source.prefix(200)))' matched nothing in \(rows)"]
  }
}
