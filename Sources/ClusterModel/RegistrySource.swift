/// Which of a registry's peers an update is from, where it has several that each know nodes by themselves: two
/// services, two files.
///
/// Most registries have one source, ``only``, whose name is empty. A name is at most 256 bytes of printable
/// ASCII without a slash. Ordered as text.
public struct RegistrySource: Hashable, Sendable, Comparable {
  /// The name; empty for ``only``.
  public let name: String

  /// The source of a registry that has only one.
  public static let only = RegistrySource(unchecked: "")

  /// The most sources that one registry may have.
  public static let maximumCount = 64

  /// The source called `name`.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ name: String) throws(ModelError) {
    guard name.utf8.count <= 256, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
    else {
      throw ModelError(
        "a source's name has at most 256 bytes of printable ASCII without spaces and '/', not \(quoted(name))"
      )
    }
    self.name = name
  }

  /// The source of that name, which was checked before.
  package init(unchecked name: String) { self.name = name }

  public static func < (left: RegistrySource, right: RegistrySource) -> Bool { left.name < right.name }
}
