/// Looks at a shared library before the system's loader does, which dies of a truncated one (SIGBUS) and
/// says little of a wrong one. Any bytes may be given: whatever is wrong with them is told, nothing traps.
struct ELFCheck {
  /// What is wrong with a file, and what would be right.
  struct Problem: Error, Hashable {
    var code: PluginError.Code = .notALibrary
    let reason: String
  }

  /// What of the file is in memory where, and what for: an entry of the program headers.
  struct Segment: Hashable {
    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2
    static let programHeaders: UInt32 = 6

    let type: UInt32
    let offset: UInt64
    let address: UInt64
    let fileSize: UInt64
    let memorySize: UInt64
    let alignment: UInt64
  }

  /// The file's first 64 bytes.
  let header: FilePiece
  /// The program headers, 56 bytes each, as they are in the file.
  let programs: FilePiece
  /// The program headers, read.
  private(set) var segments: [Segment] = []
  private let file: FileBytes

  /// Checks that `file` is a whole shared library for this machine.
  init(_ file: FileBytes) throws(Problem) {
    self.file = file
    header = try Self.header(file)
    guard let programOffset: UInt64 = header.load(32), let sectionOffset: UInt64 = header.load(40),
      let programSize: UInt16 = header.load(54), let programCount: UInt16 = header.load(56),
      let sectionSize: UInt16 = header.load(58), let sectionCount: UInt16 = header.load(60)
    else { throw Self.truncated(file, needs: 64) }
    guard programSize == 56, programCount > 0 else {
      throw Problem(reason: "its ELF program headers are malformed; build it again")
    }
    let programBytes = UInt64(programCount) * 56
    guard let programs = file.read(programOffset, programBytes) else {
      throw Self.truncated(file, needs: programOffset.addingReportingOverflow(programBytes).partialValue)
    }
    self.programs = programs
    for index in 0..<Int(programCount) {
      guard let type: UInt32 = programs.load(index * 56), let offset: UInt64 = programs.load(index * 56 + 8),
        let address: UInt64 = programs.load(index * 56 + 16),
        let size: UInt64 = programs.load(index * 56 + 32),
        let memorySize: UInt64 = programs.load(index * 56 + 40),
        let alignment: UInt64 = programs.load(index * 56 + 48)
      else { throw Self.truncated(file, needs: programOffset) }
      segments.append(
        Segment(
          type: type, offset: offset, address: address, fileSize: size, memorySize: memorySize,
          alignment: alignment))
      guard file.has(offset, size) else {
        throw Self.truncated(file, needs: offset.addingReportingOverflow(size).partialValue)
      }
    }
    try checkSections(offset: sectionOffset, size: sectionSize, count: sectionCount)
  }

  private static func header(_ file: FileBytes) throws(Problem) -> FilePiece {
    guard let start = file.read(0, UInt64(min(file.count, 64))),
      start.bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46])
    else { throw Problem(reason: "isn't an ELF file; a plugin is a shared library (.so)") }
    guard start.bytes.count == 64 else { throw truncated(file, needs: 64) }
    let isLittle = UInt16(1).littleEndian == 1
    guard start.bytes[4] == 2, start.bytes[5] == (isLittle ? 1 : 2), start.bytes[6] == 1 else {
      throw Problem(
        reason: "is for another kind of machine; build it as a 64-bit library for \(thisMachine.name)")
    }
    guard let machine: UInt16 = start.load(18), thisMachine.number == nil || machine == thisMachine.number
    else {
      let number: UInt16 = start.load(18) ?? 0
      throw Problem(
        reason: "is for \(names[number] ?? "machine \(number)"); build it for \(thisMachine.name)")
    }
    guard start.load(16) == UInt16(3) else {
      throw Problem(reason: "is an ELF file, but not a shared library; link it with -shared")
    }
    return start
  }

  private func checkSections(offset: UInt64, size: UInt16, count: UInt16) throws(Problem) {
    guard offset != 0, count > 0 else { return }
    guard size == 64 else { throw Problem(reason: "its ELF section headers are malformed; build it again") }
    let needed = UInt64(count) * 64
    guard let sections = file.read(offset, needed) else {
      throw Self.truncated(file, needs: offset.addingReportingOverflow(needed).partialValue)
    }
    for index in 0..<Int(count) {
      // A section without bytes in the file (.bss) is type 8.
      guard let type: UInt32 = sections.load(index * 64 + 4), type != 8,
        let start: UInt64 = sections.load(index * 64 + 24), let size: UInt64 = sections.load(index * 64 + 32)
      else { continue }
      guard file.has(start, size) else {
        throw Self.truncated(file, needs: start.addingReportingOverflow(size).partialValue)
      }
    }
  }

  private static func truncated(_ file: FileBytes, needs: UInt64) -> Problem {
    Problem(
      reason: "is truncated: it has \(file.count) bytes, and its ELF headers speak of \(needs); copy it again"
    )
  }

  private static let names: [UInt16: String] = [
    3: "x86", 8: "mips", 20: "powerpc", 21: "powerpc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64",
    243: "riscv64",
  ]

  #if arch(x86_64)
    private static let thisMachine: (number: UInt16?, name: String) = (62, "x86_64")
  #elseif arch(arm64)
    private static let thisMachine: (number: UInt16?, name: String) = (183, "aarch64")
  #else
    private static let thisMachine: (number: UInt16?, name: String) = (nil, "this machine")
  #endif
}

// MARK: The dynamic section

extension ELFCheck {
  /// One entry of the dynamic section, which tells the system's loader what to do.
  struct DynamicEntry: Hashable {
    static let needed: UInt64 = 1
    static let hash: UInt64 = 4
    static let strings: UInt64 = 5
    static let symbols: UInt64 = 6
    static let stringsSize: UInt64 = 10
    static let rpath: UInt64 = 15
    static let runpath: UInt64 = 29
    static let gnuHash: UInt64 = 0x6FFF_FEF5
    static let auxiliary: UInt64 = 0x7FFF_FFFD
    static let filter: UInt64 = 0x7FFF_FFFF

    let tag: UInt64
    let value: UInt64
    /// Where in the file the entry is.
    let offset: UInt64
  }

  /// The entries of the dynamic section up to its end; empty where there is none.
  var dynamicEntries: [DynamicEntry] {
    guard let segment = segments.first(where: { $0.type == Segment.dynamic }),
      let start = offset(of: segment.address), let piece = file.read(start, segment.fileSize)
    else { return [] }
    var entries: [DynamicEntry] = []
    for index in 0..<(piece.bytes.count / 16) {
      guard let tag: UInt64 = piece.load(index * 16), let value: UInt64 = piece.load(index * 16 + 8), tag != 0
      else { break }
      entries.append(DynamicEntry(tag: tag, value: value, offset: start + UInt64(index) * 16))
    }
    return entries
  }

  /// The text that `entry` names, without its zero; nil where there is none of at most 4096 bytes.
  func text(of entry: DynamicEntry) -> [UInt8]? {
    guard let table = dynamicEntries.last(where: { $0.tag == DynamicEntry.strings }),
      let offset = offset(of: table.value &+ entry.value), offset < UInt64(file.count),
      let bytes = file.read(offset, min(4097, UInt64(file.count) - offset))?.bytes,
      let end = bytes.firstIndex(of: 0)
    else { return nil }
    return Array(bytes[..<end])
  }

  /// Where in the file the byte is that will be loaded at `address`.
  private func offset(of address: UInt64) -> UInt64? {
    for segment in segments where segment.type == Segment.load {
      guard address >= segment.address, address - segment.address < segment.fileSize else { continue }
      return segment.offset + (address - segment.address)
    }
    return nil
  }
}

// MARK: Symbols

extension ELFCheck {
  /// Where the tables of the symbols are in the file.
  private struct SymbolTables {
    let symbols: UInt64
    let strings: UInt64
    let stringsSize: UInt64
    let gnuHash: UInt64?
    let systemVHash: UInt64?
  }

  private var symbolTables: SymbolTables? {
    let tags = Dictionary(dynamicEntries.map { ($0.tag, $0.value) }, uniquingKeysWith: { $1 })
    guard let symbols = tags[DynamicEntry.symbols].flatMap(offset(of:)),
      let strings = tags[DynamicEntry.strings].flatMap(offset(of:))
    else { return nil }
    return SymbolTables(
      symbols: symbols, strings: strings, stringsSize: tags[DynamicEntry.stringsSize] ?? 0,
      gnuHash: tags[DynamicEntry.gnuHash].flatMap(offset(of:)),
      systemVHash: tags[DynamicEntry.hash].flatMap(offset(of:)))
  }

  /// Whether the library exports `symbol`, by its hash table, as the system's loader will look for it.
  func exports(_ symbol: String) -> Bool {
    guard let tables = symbolTables else { return false }
    let name = Array(symbol.utf8)
    func matches(_ index: UInt32) -> Bool {
      isDefined(index, name: name, symbols: tables.symbols, strings: tables.strings)
    }
    if let table = tables.gnuHash { return find(name, gnuHash: table, matches) }
    if let table = tables.systemVHash { return find(name, systemVHash: table, matches) }
    return false
  }

  /// The names of what the library exports, in the order of its table; at most some 100,000 are looked at.
  ///
  /// Left out are the marks of its start and end that linkers add (`_edata` and the like).
  func exportedSymbols() -> [String] {
    guard let tables = symbolTables, let count = symbolCount(tables),
      let symbols = file.read(tables.symbols, UInt64(count) * 24),
      let strings = file.read(tables.strings, min(tables.stringsSize, 1 << 24))
    else { return [] }
    var names: [String] = []
    for index in 0..<Int(count) {
      guard let name: UInt32 = symbols.load(index * 24), let section: UInt16 = symbols.load(index * 24 + 6),
        let end = strings.bytes[min(Int(name), strings.bytes.count)...].firstIndex(of: 0)
      else { continue }
      let (binding, kind) = (symbols.bytes[index * 24 + 4] >> 4, symbols.bytes[index * 24 + 4] & 15)
      // Global, weak or unique in the process; a section or a file has a name of its own; visible to others.
      guard section != 0, [1, 2, 10].contains(binding), kind != 3, kind != 4,
        [0, 3].contains(symbols.bytes[index * 24 + 5] & 3)
      else { continue }
      names.append(String(decoding: strings.bytes[Int(name)..<end], as: UTF8.self))
    }
    return names.filter { !$0.isEmpty && !Self.linkersOwn.contains($0) }
  }

  private static let linkersOwn: Set<String> = [
    "_init", "_fini", "_edata", "__edata", "_end", "__end", "__bss_start", "_bss_start",
  ]

  /// How many symbols there are: nothing says it but the hash tables.
  private func symbolCount(_ tables: SymbolTables) -> UInt32? {
    let most: UInt32 = 100_000
    if let table = tables.systemVHash { return number(table + 4).map { min($0, most) } }
    guard let table = tables.gnuHash, let buckets = number(table), let first = number(table + 4),
      let blooms = number(table + 8), buckets <= most,
      let starts = file.read(table + 16 + UInt64(blooms) * 8, UInt64(buckets) * 4)
    else { return nil }
    let chains = table + 16 + UInt64(blooms) * 8 + UInt64(buckets) * 4
    let last = (0..<Int(buckets)).compactMap { starts.load($0 * 4, as: UInt32.self) }.max() ?? 0
    guard last >= first else { return min(first, most) }
    var index = last
    while index < most, let entry = number(chains + UInt64(index - first) * 4), entry & 1 == 0 { index += 1 }
    return min(index, most) + 1
  }

  private func number(_ offset: UInt64) -> UInt32? { file.read(offset, 4)?.load(0) }

  private func isDefined(_ index: UInt32, name: [UInt8], symbols: UInt64, strings: UInt64) -> Bool {
    guard let symbol = file.read(symbols + UInt64(index) * 24, 24), let nameOffset: UInt32 = symbol.load(0),
      let section: UInt16 = symbol.load(6), section != 0,
      let text = file.read(strings + UInt64(nameOffset), UInt64(name.count + 1))
    else { return false }
    return text.bytes.dropLast().elementsEqual(name) && text.bytes.last == 0
  }

  private func find(_ name: [UInt8], gnuHash table: UInt64, _ matches: (UInt32) -> Bool) -> Bool {
    guard let buckets = number(table), let first = number(table + 4), let blooms = number(table + 8),
      buckets > 0
    else { return false }
    let hash = name.reduce(UInt32(5381)) { $0 &* 33 &+ UInt32($1) }
    let bucketStart = table + 16 + UInt64(blooms) * 8
    let chainStart = bucketStart + UInt64(buckets) * 4
    guard var index = number(bucketStart + UInt64(hash % buckets) * 4), index >= first else { return false }
    // The file's end ends a chain that doesn't end itself.
    while let entry = number(chainStart + UInt64(index - first) * 4) {
      if entry | 1 == hash | 1, matches(index) { return true }
      guard entry & 1 == 0, index < .max else { return false }
      index += 1
    }
    return false
  }

  private func find(_ name: [UInt8], systemVHash table: UInt64, _ matches: (UInt32) -> Bool) -> Bool {
    guard let buckets = number(table), let count = number(table + 4), buckets > 0 else { return false }
    var hash: UInt32 = 0
    for byte in name {
      hash = hash << 4 &+ UInt32(byte)
      let high = hash & 0xF000_0000
      hash = (hash ^ high >> 24) & ~high
    }
    let chainStart = table + 8 + UInt64(buckets) * 4
    var index = number(table + 8 + UInt64(hash % buckets) * 4) ?? 0
    // A chain that runs in a circle is given up after as many steps as there are symbols.
    for _ in 0..<min(count, 1 << 20) where index != 0 {
      if matches(index) { return true }
      index = number(chainStart + UInt64(index) * 4) ?? 0
    }
    return false
  }
}
