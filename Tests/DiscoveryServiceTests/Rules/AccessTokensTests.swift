import Testing

@testable import DiscoveryService

@Suite("Access tokens")
struct AccessTokensTests {
  private static let file = """
    # who may use what
    first-token-0123456789 c1 c2

    second-token-0123456789\t*
    """

  @Test("a token opens its clusters and no others; * opens all")
  func opens() throws {
    let tokens = try AccessTokens(Self.file, file: "tokens")
    try tokens.check(authorization: "Bearer first-token-0123456789", cluster: OpaqueID("c2"))
    try tokens.check(authorization: "bearer second-token-0123456789", cluster: OpaqueID("anything"))
    let error = #expect(throws: ServiceError.self) {
      try tokens.check(authorization: "Bearer first-token-0123456789", cluster: OpaqueID("c3"))
    }
    #expect(error?.code == .permissionDenied)
  }

  @Test(
    "anything else is unauthenticated",
    arguments: [
      nil, "", "Bearer", "Bearer ", "Basic first-token-0123456789", "Bearer first-token-012345678",
      "Bearer first-token-0123456789x", "Bearer first-token-0123456780",
    ])
  func refuses(header: String?) throws {
    let tokens = try AccessTokens(Self.file, file: "tokens")
    let error = #expect(throws: ServiceError.self) {
      try tokens.check(authorization: header, cluster: OpaqueID("c1"))
    }
    #expect(error?.code == .unauthenticated)
  }

  @Test(
    "mistakes are told with their place and without the token",
    arguments: [
      ("ok-token-0123456789 *\n  short c", "tokens:2:3"), ("a-token-0123456789", "tokens:1:1"),
      ("tökén-0123456789abc c", "tokens:1:1"),
      ("a-token-0123456789 c\na-token-0123456789 d", "tokens:2:1"),
    ])
  func mistakes(text: String, place: String) {
    let problem = #expect(throws: AccessTokens.Problem.self) { try AccessTokens(text, file: "tokens") }
    #expect(problem?.description.hasPrefix(place + ": ") == true)
    #expect(problem?.description.contains("0123456789") == false)
  }

  @Test("comparing looks at all bytes and is right for every length")
  func compares() {
    let known = Array("abcdef".utf8)
    #expect(AccessTokens.equalInConstantTime(known, Array("abcdef".utf8)[...]))
    for other in ["", "a", "abcdeg", "abcdefa", "abcdefabcdef", "Abcdef"] {
      #expect(!AccessTokens.equalInConstantTime(known, Array(other.utf8)[...]))
    }
  }

  @Test(
    "lines end with a line feed, also behind a carriage return, and a token opens only its own line's clusters"
  )
  func lineEnds() throws {
    let tokens = try AccessTokens(
      "\u{FEFF}aaaaaaaaaaaaaaaa clA\r\nbbbbbbbbbbbbbbbb clB1 clB2\r\n\r\n# none\r\ncccccccccccccccc *",
      file: "tokens")
    func opens(_ token: Character, _ cluster: String) -> Bool {
      let header = "Bearer " + String(repeating: token, count: 16)
      return (try? tokens.check(authorization: header, cluster: OpaqueID(cluster))) != nil
    }
    #expect(opens("a", "clA") && !opens("a", "clB1") && !opens("a", "clB2") && !opens("a", "x"))
    #expect(opens("b", "clB1") && opens("b", "clB2") && !opens("b", "clA"))
    #expect(opens("c", "clA"))
  }

  @Test("carriage returns alone end no line, which is told with the place")
  func carriageReturns() {
    do throws(AccessTokens.Problem) {
      _ = try AccessTokens("# x\naaaaaaaaaaaaaaaa clA\rbbbbbbbbbbbbbbbb clB", file: "tokens")
      Issue.record("it was taken")
    } catch {
      #expect(error.description.hasPrefix("tokens:2:1: the line has a carriage return"))
    }
  }

  @Test("what seems one character to a reader and isn't one byte hides no blank and no mark")
  func combined() throws {
    // A blank and a mark, each with an accent on it.
    let tokens = try AccessTokens("#\u{301} x\naaaaaaaaaaaaaaaa clA \u{301}clB\n", file: "tokens")
    let bearer = "Bearer aaaaaaaaaaaaaaaa"
    try tokens.check(authorization: bearer, cluster: OpaqueID("clA"))
    try tokens.check(authorization: bearer, cluster: OpaqueID("\u{301}clB"))
  }
}
