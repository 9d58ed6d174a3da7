public import ClusterModel

/// Which of a registry's peers said something, where it has several that each have their own word: two
/// services, two files.
///
/// Most registries have one source, ``only``, whose name is empty. A name is at most 256 bytes of printable
/// ASCII without a slash. Ordered as text.
public struct RegistrySource: Hashable, Sendable, Comparable {
  public let name: String

  /// The source of a registry that has only one.
  public static let only = RegistrySource(unchecked: "")

  /// The most sources that one registry may have.
  public static let maximumCount = 64

  public init(_ name: String) throws(ModelError) {
    guard name.utf8.count <= 256, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
    else {
      throw ModelError(
        "a source's name has at most 256 bytes of printable ASCII without spaces and '/', not '\(name.prefix(80))'"
      )
    }
    self.name = name
  }

  /// The error of a registry that has `count` sources, where that is too many.
  package static func checkCount(_ count: Int, limit: Int = maximumCount) throws(RegistryError) {
    guard count >= 0, count <= limit else {
      throw RegistryError(
        .limitExceeded,
        "\(UInt(bitPattern: count)) sources are more than the \(limit) that a registry may have")
    }
  }

  private init(unchecked name: String) { self.name = name }

  public static func < (left: RegistrySource, right: RegistrySource) -> Bool { left.name < right.name }
}
