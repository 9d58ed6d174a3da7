import Foundation

/// A fenced block of a Markdown file.
public struct MarkdownBlock: Sendable, CustomStringConvertible {
  /// The file's path below the checkout.
  public let file: String
  /// The line of the opening fence.
  public let line: Int
  /// What stands behind the fence: `yaml`, `console`; empty where nothing does.
  public let language: String
  public let text: String

  public var description: String { "\(file):\(line)" }

  /// All fenced blocks of `file`, a path below the checkout.
  public static func all(in file: String) throws -> [MarkdownBlock] {
    let text = try String(contentsOf: BuiltProducts.checkout.appendingPathComponent(file), encoding: .utf8)
    var blocks: [MarkdownBlock] = []
    var open: (line: Int, language: String, lines: [Substring])?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard line.hasPrefix("```") else {
        open?.lines.append(line)
        continue
      }
      if let block = open {
        let text = block.lines.map { $0 + "\n" }.joined()
        blocks.append(MarkdownBlock(file: file, line: block.line, language: block.language, text: text))
        open = nil
      } else {
        open = (index + 1, line.dropFirst(3).trimmingCharacters(in: .whitespaces), [])
      }
    }
    return blocks
  }
}
