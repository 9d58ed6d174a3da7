import ClusterModel

/// A list of members for another program: all that is there, at once.
struct ExportPrinter: ResourcePrinter {
  private let format: ExportFormat
  private let options: ExportOptions
  private let revision: String?
  private var omissions: [Export.Omission] = []

  /// The most omissions that are told one by one.
  private static let maximumNotes = 5

  init(format: ExportFormat, options: ExportOptions, revision: String?) {
    self.format = format
    self.options = options
    self.revision = revision
  }

  mutating func text(of items: [PrintedResource], at now: Timestamp) -> String {
    let header = ExportHeader(time: now, revision: revision ?? "-")
    let export = format.export(items.map { ExportedMember($0.document) }, options, header: header)
    omissions += export.omissions
    return export.text
  }

  var notes: [String] {
    let more = omissions.count - Self.maximumNotes
    return omissions.prefix(Self.maximumNotes).map { "\(format.rawValue): \($0)" }
      + (more > 0 ? ["\(format.rawValue): \(more) more were left out"] : [])
  }
}
