import RollcallConfiguration
import Testing

@Suite struct FixtureTests {
  @Test("there are files to test with")
  func present() {
    #expect(Fixtures.names(in: "good").count >= 15)
    #expect(Fixtures.names(in: "bad").count >= 18)
  }

  @Test("a good file has no errors", arguments: Fixtures.names(in: "good"))
  func good(name: String) throws {
    #expect(try Fixtures.errors("good/\(name)") == "")
  }

  @Test("all errors of a bad file are told at once, in its order", arguments: Fixtures.names(in: "bad"))
  func bad(name: String) throws {
    let expected = try Fixtures.text("bad/\(name.dropLast(5)).errors")
    #expect(try Fixtures.errors("bad/\(name)") == expected)
  }

  @Test("no message holds a secret", arguments: Fixtures.names(in: "bad"))
  func secrets(name: String) throws {
    // Every secret in these files has 'hush' or 4874 in it.
    let errors = try Fixtures.errors("bad/\(name)")
    #expect(!errors.lowercased().contains("hush") && !errors.contains("4874"))
    #expect(!errors.isEmpty)
  }
}
