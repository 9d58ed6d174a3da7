/// Reads and writes YAML and JSON. JSON is YAML, and is read and written here as well.
///
/// Reading is strict where leniency would hide a mistake: a repeated key, an unknown tag or a key that isn't text is
/// an error at its place. The merge key (`<<: *defaults`) is known: the mapping has what it merges as if it were
/// written out. How much a text may ask for is bounded by ``YAMLLimits``.
public enum YAML {
  /// The documents in `text`, which is UTF-8.
  ///
  /// A text that begins as JSON does may also be several JSON values behind each other, as programs print
  /// them: each is a document.
  ///
  /// - Parameters:
  ///   - file: how errors name the text.
  ///   - textTags: tags of programs that are known to stand before texts, such as `!vault`.
  /// - Throws: the one thing that keeps the text from being read. Repeated keys don't: they are listed in
  ///   what is returned.
  public static func parse(
    _ text: some Collection<UInt8>, file: String, limits: YAMLLimits = .standard,
    textTags: Set<String> = []
  ) throws(YAMLError) -> YAMLStream {
    let bytes = try SourceText(Array(text), file: file, limits: limits).checked()
    guard let first = bytes.first(where: { !isBlank($0) }), "{[\"".utf8.contains(first) else {
      return try DocumentReader.read(bytes, file: file, limits: limits, textTags: textTags)
    }
    // What is JSON has JSON's meaning: libyaml refuses its surrogate pairs, long keys and tabs.
    do throws(YAMLError) {
      return try JSONReader.read(bytes, file: file, limits: limits)
    } catch {
      let jsonError = error
      do throws(YAMLError) {
        return try DocumentReader.read(bytes, file: file, limits: limits, textTags: textTags)
      } catch {
        // It is neither: the reader that understood more of it tells why.
        throw error.mark < jsonError.mark ? jsonError : error
      }
    }
  }

  /// The documents in `text`, which is JSON and nothing else: what isn't complete is no YAML either.
  ///
  /// - Throws: as ``parse(_:file:limits:)`` does.
  package static func parseJSON(
    _ text: some Collection<UInt8>, file: String, limits: YAMLLimits = .standard
  ) throws(YAMLError) -> YAMLStream {
    try JSONReader.read(
      try SourceText(Array(text), file: file, limits: limits).checked(), file: file, limits: limits)
  }

  /// The bytes of `text` without a byte-order mark, for readers of other forms than YAML.
  ///
  /// - Throws: where they are too many, no UTF-8, or have a NUL.
  package static func checkedText(
    _ text: [UInt8], file: String, limits: YAMLLimits = .standard
  ) throws(YAMLError) -> [UInt8] {
    try SourceText(text, file: file, limits: limits).checkedText()
  }
}

/// What a text holds.
public struct YAMLStream: Hashable, Sendable {
  /// Its documents in order; none where the text is empty.
  public var documents: [YAMLNode]
  /// Keys that a mapping has more than once, at their later places and with the first one's place in the
  /// message. The first one counts. At most ``YAMLLimits/duplicateKeys``.
  public var duplicateKeys: [YAMLError]
  /// The places of nodes that are written to be repeated elsewhere: those with an anchor.
  public var anchorMarks: Set<YAMLMark>

  /// A stream of `documents`.
  public init(documents: [YAMLNode], duplicateKeys: [YAMLError] = [], anchorMarks: Set<YAMLMark> = []) {
    self.anchorMarks = anchorMarks
    self.documents = documents
    self.duplicateKeys = duplicateKeys
  }
}

/// How much a text may ask for.
public struct YAMLLimits: Hashable, Sendable {
  /// The most bytes of a text.
  public var size: Int
  /// The most lists and mappings within each other.
  public var depth: Int
  /// The most nodes (scalars, keys, lists, mappings) in all documents, those that aliases stand for counted
  /// as often as they are.
  public var nodes: Int
  /// The most nodes that aliases may stand for: what keeps a small text from being a huge tree.
  public var aliasedNodes: Int
  /// The most repeated keys that are reported; further ones are left out in silence.
  public var duplicateKeys: Int

  /// Limits; what isn't given is generous.
  public init(
    size: Int = 64 << 20, depth: Int = 64, nodes: Int = 4_000_000, aliasedNodes: Int = 10_000,
    duplicateKeys: Int = 100
  ) {
    self.size = size
    self.depth = depth
    self.nodes = nodes
    self.aliasedNodes = aliasedNodes
    self.duplicateKeys = duplicateKeys
  }

  /// 64 MiB, 64 levels, 4,000,000 nodes of which aliases stand for 10,000: enough for a file that lists
  /// 100,000 machines.
  public static let standard = YAMLLimits()
}

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
