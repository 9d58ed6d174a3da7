package import ClusterModel
package import Documents
import Platform

/// What one line of a program or a stream says: JSON with one of
///
/// - `{"snapshot": [node, …]}`: these are all nodes;
/// - `{"upsert": node}`: this one is new or changed;
/// - `{"remove": "id"}`: this one is gone, for a `"reason"` if there is one beside it;
/// - `{"degraded": "why"}`: not all that was said is known to hold; `null` ends that.
///
/// A node is written as in the short form. Beside each a `"source"` may say of which of several peers it is.
package struct UpdateLine: Hashable, Sendable {
  /// What is said.
  package enum Content: Hashable, Sendable {
    case snapshot([AffiliateRecord])
    case upsert(AffiliateRecord)
    /// By its identity or local id.
    case remove(NodeIdentity, reason: RemovalReason)
    /// Why; nil: it is no longer so.
    case degraded(String?)
    /// Something else, under a key that this reader doesn't know: what its receiver may know, or skip.
    case other(key: String, YAMLNode)
  }

  /// What is said; nil where nothing of it can be used.
  package var content: Content?
  /// Of which source it is.
  package var source = RegistrySource.only
  /// Whether a snapshot lacks nodes that couldn't be read: those that were known before are not gone.
  package var hidesNodes = false
  /// What is wrong with parts of it, each with its place.
  package var problems = ProblemList()

  /// An update that says `content`.
  package init(_ content: Content? = nil, source: RegistrySource = .only) {
    self.content = content
    self.source = source
  }

  /// The most bytes of a line unless its reader says otherwise.
  package static let maximumBytes = 16 << 20

  /// What `line` says; nil for a line without text.
  ///
  /// - Parameters:
  ///   - line: JSON, with or without the line break at its end.
  ///   - name: how problems name the stream.
  ///   - number: the line's number in the stream, from 1.
  /// - Throws: where it is no JSON, half of one, or no object with one of the keys.
  package static func read(
    _ line: some Collection<UInt8>, name: String, number: Int = 1, maximumBytes: Int = maximumBytes
  ) throws(YAMLError) -> UpdateLine? {
    do throws(YAMLError) {
      let stream = try YAML.parseJSON(
        line, file: name, limits: YAMLLimits(size: maximumBytes, aliasedNodes: 0))
      guard let document = stream.documents.first else { return nil }
      guard stream.documents.count == 1 else {
        throw YAMLError(
          file: name, mark: stream.documents[1].mark, message: "a line has one JSON object, not several")
      }
      let diagnostics = Diagnostics(file: name)
      var update = UpdateLine()
      try update.read(document, diagnostics)
      diagnostics.add(stream.duplicateKeys)
      if !stream.duplicateKeys.isEmpty { update.hidesNodes = true }
      diagnostics.sort()
      for problem in diagnostics.errors.kept { update.problems.append(problem.moved(to: number)) }
      update.problems.addUnkept(diagnostics.errors.count - diagnostics.errors.kept.count)
      return update
    } catch {
      throw error.moved(to: number)
    }
  }

  private static let verbs = ["snapshot", "upsert", "remove", "degraded"]
  private static let besides = ["source", "reason"]

  private mutating func read(_ document: YAMLNode, _ diagnostics: Diagnostics) throws(YAMLError) {
    guard let pairs = document.pairs else {
      throw YAMLError(
        file: diagnostics.file, mark: document.mark,
        message: "an update "
          + document.written.mismatch(must: #"an object such as {"snapshot":[…]} or {"remove":"id"}"#))
    }
    let said = pairs.filter { !Self.besides.contains($0.key) }
    guard let pair = said.first, said.count == 1 || !said.contains(where: { Self.verbs.contains($0.key) })
    else {
      let names =
        said.isEmpty ? "none" : said.prefix(4).map(\.key).map { quoted($0) }.joined(separator: " and ")
      throw YAMLError(
        file: diagnostics.file, mark: said.dropFirst().first?.keyMark ?? document.mark,
        message: "an update has one of \(Self.verbs.joined(separator: ", ")), not \(names)")
    }
    let fields = FieldReader(document, "an update", keys: nil, style: .lenient, diagnostics: diagnostics)
    let named = fields.value("source", maximum: 256) { (text) throws(ModelError) in
      try RegistrySource(text)
    }
    if let named { source = named }
    let value = pair.value
    switch pair.key {
    case "snapshot": try readSnapshot(value, diagnostics)
    case "upsert":
      if let record = NodeReader.read(value, as: .affiliate, diagnostics) { content = .upsert(record) }
    case "remove":
      let id = fields.value("remove", maximum: 256) { (text) throws(ModelError) in try NodeIdentity(text) }
      if id == nil, fields.value("remove") == nil {
        fields.error(value.mark, "remove needs the id of a node")
      }
      let reason = fields.value("reason", maximum: 64) { (text) throws(ModelError) in
        guard let reason = RemovalReason(rawValue: text) else {
          let known = RemovalReason.allCases.map(\.rawValue).joined(separator: ", ")
          throw ModelError("\(quoted(text)) isn't one of \(known)")
        }
        return reason
      }
      if let id { content = .remove(id, reason: reason ?? .removed) }
    case "degraded":
      // `false` as well, for who thinks of it as a state.
      if value.isNull || value.bool == false || value.scalar?.text.isEmpty == true {
        content = .degraded(nil)
      } else if let why = fields.text("degraded", maximum: 4096) {
        content = .degraded(why)
      } else {
        content = .degraded("it doesn't say why")
      }
    default: content = .other(key: pair.key, value)
    }
  }

  private mutating func readSnapshot(_ value: YAMLNode, _ diagnostics: Diagnostics) throws(YAMLError) {
    guard let items = value.items else {
      throw YAMLError(
        file: diagnostics.file, mark: value.mark,
        message: "snapshot \(value.written.mismatch(must: "a list of nodes, which may be empty"))")
    }
    var builder = InventoryBuilder(diagnostics)
    for item in items where !builder.isFull {
      builder.add(NodeReader.read(item, as: .affiliate, diagnostics), at: item.mark)
    }
    let inventory = try builder.finish()
    hidesNodes = inventory.hidesNodes
    content = .snapshot(inventory.nodes.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID })
  }
}

extension YAMLError {
  /// The same in the stream whose line `number` the text is.
  fileprivate func moved(to number: Int) -> YAMLError {
    // What isn't complete says where it begins.
    let message = message.replacing("begins at line 1,", with: "begins at line \(number),")
    return YAMLError(
      file: file, mark: YAMLMark(line: number + mark.line - 1, column: mark.column), message: message)
  }
}
