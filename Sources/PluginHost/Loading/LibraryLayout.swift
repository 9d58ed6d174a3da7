/// What a private copy of a shared library is made of.
///
/// It has what the system's loader maps, at the same offsets, and holes in place of the rest: debug information
/// is most of many files, and a copy in memory should cost no more than what runs.
///
/// The loader takes `$ORIGIN` in a library's search paths for the folder of the path that it was given, which a
/// copy doesn't lie in. So a copy of a library that says `$ORIGIN` has the folder itself there: the texts are
/// put on a page of their own behind all others, together with program headers that name this page.
struct LibraryLayout {
  /// The ranges of the file that are copied, each to the same offset.
  let parts: [Range<UInt64>]
  /// What is then written over or behind them.
  private(set) var changes: [Change] = []
  /// How many bytes the copy has.
  private(set) var size: UInt64

  /// Bytes that are written at an offset of the copy.
  struct Change: Hashable {
    let offset: UInt64
    let bytes: [UInt8]
  }

  /// Why a library can't be copied.
  enum Failure: Error {
    /// It says `$ORIGIN`, and its folder's name has a byte that search paths can't have.
    case folderName
    /// Its headers leave no room.
    case malformed
  }

  /// The layout of a copy of the library in `check`, whose file has `count` bytes and lies in `folder`.
  init(of check: ELFCheck, count: Int, folder: String) throws(Failure) {
    guard let programs: UInt64 = check.header.load(32) else { throw .malformed }
    parts =
      [0..<64, programs..<(programs + UInt64(check.programs.bytes.count))]
      + check.segments.filter { $0.type == ELFCheck.Segment.load }
      .map { $0.offset..<($0.offset + $0.fileSize) }
    size = UInt64(count)
    // Sections aren't loaded, so the copy has none.
    changes = [
      Change(offset: 40, bytes: Self.bytes(UInt64(0))),
      Change(offset: 60, bytes: Self.bytes(UInt32(0))),
    ]
    let texts = Self.textsWithOrigin(check, folder: Array(folder.utf8))
    guard !texts.isEmpty else { return }
    guard !folder.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "$") }) else {
      throw .folderName
    }
    try add(texts, to: check)
  }

  /// A text of the dynamic section, as it should be in the copy.
  private typealias Text = (entry: ELFCheck.DynamicEntry, bytes: [UInt8])

  private static func textsWithOrigin(_ check: ELFCheck, folder: [UInt8]) -> [Text] {
    let tags = [
      ELFCheck.DynamicEntry.needed, ELFCheck.DynamicEntry.rpath, ELFCheck.DynamicEntry.runpath,
      ELFCheck.DynamicEntry.auxiliary, ELFCheck.DynamicEntry.filter,
    ]
    return check.dynamicEntries.filter { tags.contains($0.tag) }.compactMap { entry in
      guard let text = check.text(of: entry), let replaced = replacing(text, folder) else { return nil }
      return (entry, replaced)
    }
  }

  /// `text` with `folder` in place of each `$ORIGIN` and `${ORIGIN}`; nil where there is none.
  private static func replacing(_ text: [UInt8], _ folder: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = text[...]
    var isChanged = false
    while let first = rest.first {
      if rest.starts(with: Array("${ORIGIN}".utf8)) {
        result += folder
        rest = rest.dropFirst(9)
        isChanged = true
      } else if rest.starts(with: Array("$ORIGIN".utf8)) {
        result += folder
        rest = rest.dropFirst(7)
        isChanged = true
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return isChanged ? result : nil
  }

  private mutating func add(_ texts: [Text], to check: ELFCheck) throws(Failure) {
    let loaded = check.segments.filter { $0.type == ELFCheck.Segment.load }
    let alignment = loaded.map(\.alignment).max().map { max($0, 4096) } ?? 4096
    guard let strings = check.dynamicEntries.last(where: { $0.tag == ELFCheck.DynamicEntry.strings }),
      alignment.nonzeroBitCount == 1, alignment <= 1 << 30,
      let end = loaded.map({ $0.address.addingReportingOverflow($0.memorySize) })
        .max(by: { $0.partialValue < $1.partialValue }),
      !end.overflow, end.partialValue < 1 << 62, loaded.allSatisfy({ $0.memorySize < 1 << 62 })
    else { throw .malformed }
    let address = (end.partialValue + alignment - 1) & ~(alignment - 1)
    let offset = (size + alignment - 1) & ~(alignment - 1)

    // The page begins with the program headers: theirs, and one more for the page.
    let headersSize = UInt64(check.programs.bytes.count) + 56
    var page = [UInt8](repeating: 0, count: Int(headersSize))
    for text in texts {
      let start = address + UInt64(page.count)
      changes.append(Change(offset: text.entry.offset + 8, bytes: Self.bytes(start &- strings.value)))
      page += text.bytes + [0]
    }
    let headers = Self.headers(
      check, offset: offset, address: address, pageSize: UInt64(page.count), alignment)
    page.replaceSubrange(0..<headers.count, with: headers)
    changes.append(Change(offset: offset, bytes: page))
    changes.append(Change(offset: 32, bytes: Self.bytes(offset)))
    changes.append(Change(offset: 56, bytes: Self.bytes(UInt16(check.segments.count + 1))))
    size = offset + UInt64(page.count)
  }

  /// The library's program headers, and one for a page that is only read.
  private static func headers(
    _ check: ELFCheck, offset: UInt64, address: UInt64, pageSize: UInt64, _ alignment: UInt64
  ) -> [UInt8] {
    var headers = check.programs.bytes
    for (index, segment) in check.segments.enumerated()
    where segment.type == ELFCheck.Segment.programHeaders {
      let size = UInt64(headers.count) + 56
      let places = [offset, address, address, size, size].flatMap(bytes)
      headers.replaceSubrange((index * 56 + 8)..<(index * 56 + 48), with: places)
    }
    let readable: UInt32 = 4
    return headers + bytes(ELFCheck.Segment.load) + bytes(readable)
      + [offset, address, address, pageSize, pageSize, alignment].flatMap(bytes)
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number) { Array($0) }
  }
}
