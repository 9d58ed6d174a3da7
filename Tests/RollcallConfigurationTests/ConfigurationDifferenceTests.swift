import RollcallConfiguration
import Testing

@Suite struct ConfigurationDifferenceTests {
  private static let old = """
    cluster:
      id: c
      secret: hushhushhushhushhushhushhushhushhushhushhu8=
      discovery:
        registries:
          a: {path: one}
          b: {path: two}
          c: {path: three}
    """

  private func difference(_ new: String) throws -> ConfigurationDifference {
    try ConfigurationDifference(from: parse(Self.old), to: parse(new))
  }

  @Test("a file in which only places and comments changed changes nothing")
  func moved() throws {
    let difference = try difference(
      "# moved\n\n" + Self.old.replacing("{path: two}", with: "\n        path: 'two'"))
    #expect(difference.isEmpty && difference.unchanged == ["a", "b", "c", "service"])
  }

  @Test("registries come, go, change and stay each for themselves")
  func each() throws {
    let new = Self.old.replacing("a: {path: one}", with: "d: {path: one}")
      .replacing("path: two", with: "path: 2").replacing("path: three", with: "path: three, staleAfter: 1h")
    let difference = try difference(new + "\n      service: {disabled: true}")
    #expect(difference.added == ["d"] && difference.changed == ["b", "c"] && difference.unchanged.isEmpty)
    #expect(difference.removed == ["a", "service"])
    #expect(!difference.isMergeChanged && !difference.isNodeChanged)
  }

  @Test("another cluster id or secret changes every registry")
  func cluster() throws {
    for new in [Self.old.replacing("id: c", with: "id: d"), Self.old.replacing("hu8=", with: "hu4=")] {
      #expect(try difference(new).changed == ["a", "b", "c", "service"])
    }
  }

  @Test("the merge and the node are told of by themselves")
  func others() throws {
    let merge = try difference(Self.old + "\nmerge: {precedence: [b]}")
    #expect(merge.isMergeChanged && !merge.isNodeChanged && merge.unchanged.count == 4 && !merge.isEmpty)
    let node = try difference(Self.old + "\nnode: {hostname: x}")
    #expect(node.isNodeChanged && !node.isMergeChanged && node.unchanged.count == 4)
  }

  @Test("discovery turned off removes every registry")
  func off() throws {
    let difference = try difference(
      Self.old.replacing("discovery:\n", with: "discovery:\n    enabled: false\n"))
    #expect(difference.removed == ["a", "b", "c", "service"] && difference.unchanged.isEmpty)
  }
}
