/// Which labels and annotations of a Node become labels: those whose key starts with one of these texts.
package struct LabelPrefixes: Hashable, Sendable {
  private let prefixes: [[UInt8]]

  package init(_ prefixes: [String] = []) { self.prefixes = prefixes.map { Array($0.utf8) } }

  /// Whether `key` starts with one of them.
  func choose(_ key: UnsafeRawBufferPointer) -> Bool {
    prefixes.contains { $0.count <= key.count && key.prefix($0.count).elementsEqual($0) }
  }
}
