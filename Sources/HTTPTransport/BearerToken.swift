import Platform
package import RegistryKit

/// Bearer tokens as they may stand in a header.
package enum BearerToken {
  package static func isValid(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64 << 10 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  /// The token in the file at `path`. Blocks.
  package static func read(_ path: String) throws(RegistryError) -> String {
    // A line break at the end is the habit of editors, not a part of the token.
    let text = String(decoding: try SmallFiles.read(path, what: "token file"), as: UTF8.self).trimmed
    guard isValid(String(text)) else {
      throw RegistryError(
        .invalidArgument,
        text.isEmpty
          ? "token file '\(path)' is empty"
          : "token file '\(path)' holds something that isn't one bearer token")
    }
    return String(text)
  }
}
