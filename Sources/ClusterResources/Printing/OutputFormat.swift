import Platform

/// How resources are printed: what `-o` takes.
public enum OutputFormat: Hashable, Sendable {
  /// The columns that `talosctl` prints.
  case table
  /// The columns that a person looks for.
  case wide
  /// `member/w-3`, a line each.
  case name
  case yaml, json
  /// A JSON object on a line each.
  case ndjson
  case jsonPath(JSONPathTemplate)
  case customColumns([CustomColumn])
  /// A list of members for another program.
  case export(ExportFormat)

  /// What may be written, for people.
  public static let formats =
    ["table", "wide", "name", "yaml", "json", "ndjson", "jsonpath=EXPRESSION", "custom-columns=NAME:PATH,…"]
    + ExportFormat.allCases.map(\.rawValue)

  /// Whether it is for programs that take the whole list at once: nothing to watch.
  public var isWhole: Bool { if case .export = self { true } else { false } }

  /// The format that `text` names.
  ///
  /// - Throws: ``ResourceError`` that says what would be right.
  public init(_ text: String) throws(ResourceError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let (name, argument) = (String(parts[0]), parts.count > 1 ? String(parts[1]) : nil)
    switch (name, argument) {
    case ("table", nil): self = .table
    case ("wide", nil): self = .wide
    case ("name", nil): self = .name
    case ("yaml", nil): self = .yaml
    case ("json", nil): self = .json
    case ("ndjson", nil): self = .ndjson
    case ("jsonpath", let expression?): self = .jsonPath(try JSONPathTemplate(relaxed: expression))
    case ("custom-columns", let columns?): self = .customColumns(try CustomColumn.columns(columns))
    case ("jsonpath", nil):
      throw ResourceError("jsonpath needs an expression, such as jsonpath={.metadata.id}")
    case ("custom-columns", nil):
      throw ResourceError(
        "custom-columns needs columns, such as custom-columns=NAME:.metadata.id,OS:.spec.operatingSystem")
    default:
      if argument == nil, let export = ExportFormat(rawValue: name) {
        self = .export(export)
        return
      }
      let known = Self.formats.map { String($0.prefix { $0 != "=" }) }
      let advice = didYouMean(name, among: known)
      throw ResourceError(
        "there is no output format '\(String(text.prefix(80)).shown)'"
          + (advice.map { ": \($0)" } ?? "") + " (the formats are \(Self.formats.joined(separator: ", ")))")
    }
  }

  /// A printer of resources of `type`.
  ///
  /// - Parameters:
  ///   - watching: whether changes follow, so that a table shows what happened in a first column.
  ///   - hasHeader: whether a table begins with its columns' names.
  ///   - export: what is asked of a list for another program.
  ///   - revision: of which revision the resources are; nil where nobody counts.
  public func printer(
    of type: ResourceType, watching: Bool = false, hasHeader: Bool = true,
    export: ExportOptions = ExportOptions(), revision: String? = nil
  ) -> any ResourcePrinter {
    switch self {
    case .table:
      TablePrinter(columns: type.tableColumns, watching: watching, hasHeader: hasHeader)
    case .wide:
      TablePrinter(columns: type.wideColumns, watching: watching, hasHeader: hasHeader)
    case .name: NamePrinter(kind: type.kind.lowercased())
    case .yaml: YAMLPrinter()
    case .json: JSONPrinter()
    case .ndjson: LinePrinter()
    case .jsonPath(let template): JSONPathPrinter(template: template)
    case .customColumns(let columns): CustomColumnsPrinter(columns: columns, hasHeader: hasHeader)
    case .export(let format): ExportPrinter(format: format, options: export, revision: revision)
    }
  }
}
