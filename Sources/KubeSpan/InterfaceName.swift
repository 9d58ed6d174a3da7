public import ClusterModel

/// Names of network interfaces.
public enum InterfaceName {
  /// `text` itself, where the kernel takes it as a name: at most 15 bytes, no `/`, `:`, `%` or white space, and not
  /// `.` or `..` (Linux, `dev_valid_name`; a `%` makes it a pattern).
  public static func check(_ text: String) throws(ModelError) -> String {
    // The kernel knows bytes alone, of which 0xA0 is a space to it.
    let isFree = text.utf8.allSatisfy { 0x21...0x7E ~= $0 || 0x80...0xFF ~= $0 && $0 != 0xA0 }
    guard isFree, !text.utf8.contains(where: { "/:%".utf8.contains($0) }) else {
      throw ModelError(
        "\(quoted(text)) isn't an interface's name: it has no '/', ':', '%' and no white space")
    }
    guard (1...15).contains(text.utf8.count) else {
      throw ModelError(
        "\(quoted(text)) isn't an interface's name: it has 1 to 15 bytes, not \(text.utf8.count)")
    }
    guard text != ".", text != ".." else { throw ModelError("\(quoted(text)) isn't an interface's name") }
    return text
  }

  /// `text` itself, where a link of ours may be called so: as ``check(_:)``, with letters, digits, `-`, `_` and `.`
  /// alone, as it stands in rules, in the paths of files, and before programs' arguments; and not what means
  /// every interface, or another one.
  public static func checkNew(_ text: String) throws(ModelError) -> String {
    let name = try check(text)
    let isPlain = name.utf8.allSatisfy {
      0x61...0x7A ~= $0 || 0x41...0x5A ~= $0 || 0x30...0x39 ~= $0 || "-_.".utf8.contains($0)
    }
    guard isPlain, name.utf8.first != UInt8(ascii: "-"), name.utf8.first != UInt8(ascii: ".") else {
      throw ModelError(
        "\(quoted(text)) isn't a name for a link: letters, digits, '-', '_' and '.', no '-' or '.' first")
    }
    guard !["all", "default", "lo"].contains(name) else {
      throw ModelError("\(quoted(text)) means something else to the system; take another name")
    }
    return name
  }
}
