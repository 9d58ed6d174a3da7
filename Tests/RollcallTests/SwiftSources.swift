import Foundation
import TestSupport

/// What a folder of Swift sources imports and declares, as far as a look at its text tells.
struct SwiftSources {
  /// One file.
  struct File {
    /// Its path below `Sources` or `Plugins`.
    let path: String
    /// Its text without comments and without what stands in string literals.
    let code: String
  }

  /// A type with what it stores.
  struct TypeDeclaration {
    /// Its name, with those of the types that it is in: `RegistryIntake.Batch`.
    let name: String
    /// The names of stored properties.
    var properties: Set<String> = []
    /// The names of types that its stored properties and its cases mention; those in function types aren't among them.
    var mentions: Set<String> = []
  }

  let files: [File]
  /// The modules that are imported.
  let imports: Set<String>
  /// The types that are declared, by name. Those of one name in several files (there are none) count as one.
  let types: [String: TypeDeclaration]

  /// All files below `folder`, a path below the checkout.
  init(_ folder: String) throws {
    let top = BuiltProducts.checkout.appending(path: folder)
    let enumerator = FileManager.default.enumerator(at: top, includingPropertiesForKeys: nil)
    var files: [File] = []
    while let url = enumerator?.nextObject() as? URL {
      guard url.pathExtension == "swift" else { continue }
      let path = String(url.path.dropFirst(BuiltProducts.checkout.path.count + 1))
      let code = Self.code(of: try String(contentsOf: url, encoding: .utf8))
      files.append(File(path: path.split(separator: "/").dropFirst().joined(separator: "/"), code: code))
    }
    self.files = files.sorted { $0.path < $1.path }
    imports = Set(files.flatMap { Self.imports(in: $0.code) })
    var types: [String: TypeDeclaration] = [:]
    for file in files { Self.read(file.code, into: &types) }
    self.types = types
  }

  private static func code(of text: String) -> String {
    let bytes = Array(text.utf8)
    let (quote, slash, backslash, newline) = (
      UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "\n")
    )
    func starts(_ index: Int, _ byte: UInt8, _ count: Int) -> Bool {
      index + count <= bytes.count && bytes[index..<(index + count)].allSatisfy { $0 == byte }
    }
    var code: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if starts(index, slash, 2) {
        while index < bytes.count, bytes[index] != newline { index += 1 }
      } else if bytes[index] == quote {
        let marks = starts(index, quote, 3) ? 3 : 1
        code += [quote, quote]
        index += marks
        while index < bytes.count, !starts(index, quote, marks) { index += bytes[index] == backslash ? 2 : 1 }
        index += marks
      } else {
        code.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: code, as: UTF8.self)
  }

  private static func imports(in code: String) -> [String] {
    code.split(separator: "\n").compactMap { line in
      guard line.contains("import") else { return nil }
      return line.wholeMatch(of: #/\s*(?:@\w+\s+)*(?:public\s+|package\s+)?import\s+(\w+)\s*/#).map {
        String($0.1)
      }
    }
  }

  private static func read(_ code: String, into types: inout [String: TypeDeclaration]) {
    var scopes: [(name: String, isType: Bool, depth: Int)] = []
    var depth = 0
    var pending: (name: String, isType: Bool)?
    let (pattern, keywords) = (declaration, ["struct", "class", "enum", "actor", "extension", "protocol"])
    for line in code.split(separator: "\n") {
      // Regular expressions take their time.
      let declaration = keywords.contains(where: line.contains) ? line.prefixMatch(of: pattern) : nil
      if let declaration { pending = (String(declaration.2), declaration.1 != "extension") }
      if declaration == nil, let scope = scopes.last, scope.isType, scope.depth == depth {
        let name = scopes.map(\.name).joined(separator: ".")
        Self.readMember(line, into: &types[name, default: TypeDeclaration(name: name)])
      }
      for byte in line.utf8 {
        if byte == UInt8(ascii: "{") {
          depth += 1
          if let scope = pending {
            scopes.append((scope.name, scope.isType, depth))
            let name = scopes.map(\.name).joined(separator: ".")
            if scope.isType, types[name] == nil { types[name] = TypeDeclaration(name: name) }
            pending = nil
          }
        } else if byte == UInt8(ascii: "}") {
          if scopes.last?.depth == depth { scopes.removeLast() }
          depth -= 1
        }
      }
    }
  }

  private static var declaration: Regex<(Substring, Substring, Substring)> {
    #/\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|private|fileprivate|final|indirect)\s+)*(struct|class|enum|actor|extension|protocol)\s+(\w+)/#
  }

  private static func readMember(_ line: Substring, into type: inout TypeDeclaration) {
    guard ["let ", "var ", "case "].contains(where: line.contains) else { return }
    let property =
      #/\s*(?:(?:public|package|private|fileprivate|weak|lazy)(?:\(\w+\))?\s+)*(?:let|var)\s+(\w+)(.*)/#
    if let match = line.wholeMatch(of: property) {
      // A body without a value before it: it is computed.
      let isComputed = match.2.contains("{") && !match.2.contains("=")
      if isComputed { return }
      type.properties.insert(String(match.1))
      type.mention(match.2)
    } else if let match = line.wholeMatch(of: #/\s*(?:indirect\s+)?case\s+(.*)/#) {
      type.mention(match.1)
    }
  }
}

extension SwiftSources.TypeDeclaration {
  fileprivate mutating func mention(_ text: Substring) {
    if text.contains("->") { return }
    // Not the last part of `JSONValue.Member`, which is another type.
    for match in text.matches(of: #/(?:^|[^.\w])([A-Z]\w*)/#) { mentions.insert(String(match.1)) }
  }
}
