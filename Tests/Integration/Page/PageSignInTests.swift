import BrowserTestSupport
import Foundation
import TestSupport
import Testing

@Suite("Signing in on the page", .serialized, .enabled(if: Browser.isThere, browserHint))
struct PageSignInTests {
  private static let token = "correct-horse-battery-staple"

  @Test(
    "a token is traded for a cookie that scripts can't read and that doesn't hold it, until one signs out")
  func signIn() async throws {
    let tokens = try TemporaryFolder()
    try tokens.write("# for people\n\(Self.token)\n", to: "tokens")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o600], ofItemAtPath: tokens.path("tokens"))
    let world = try await PageWorld(http: "tokensFile: \(tokens.path("tokens"))")
    try world.list([PageWorld.w2])
    let page = try await BrowserPage()
    try await page.go(to: world.address + "#/members?q=w-2")
    try await page.until("document.activeElement?.id === 'token'")
    // Nothing of the cluster is there.
    #expect(try await !page.text("document.body.innerText").contains("w-2"))
    let audit = try String(contentsOfFile: fixture("page-audit.js"), encoding: .utf8)
    let complaints: [String] = try await page.value(audit)
    #expect(complaints == [])
    try FileManager.default.createDirectory(at: PageAppearanceTests.folder, withIntermediateDirectories: true)
    for (width, height) in [(360, 740), (1280, 800)] {
      try await page.resize(width, height)
      for theme in ["light", "dark"] {
        try await page.prefer(["prefers-color-scheme": theme])
        try await page.screenshot().write(
          to: PageAppearanceTests.folder.appendingPathComponent("signin-\(width)-\(theme).png"))
      }
    }
    try await page.type("a wrong token, long enough")
    try await page.press("Enter")
    try await page.until("document.getElementById('signin-error').textContent.includes('isn\\'t one of')")
    #expect(try await page.cookies().isEmpty)
    try await page.run("document.getElementById('token').value = ''")
    try await page.type(Self.token)
    try await page.press("Enter")
    // One is where one wanted to go.
    try await page.untilNames(["w-2"])
    let cookies = try await page.cookies()
    let cookie = try #require(cookies.first)
    #expect(cookies.count == 1)
    #expect(cookie["httpOnly"] as? Bool == true)
    #expect(cookie["sameSite"] as? String == "Strict")
    #expect((cookie["expires"] as? Double ?? 0) > Date.now.timeIntervalSince1970)
    let value = try #require(cookie["value"] as? String)
    #expect(!value.contains(Self.token) && value.count == 64)
    #expect(try await page.text("document.cookie") == "")
    #expect(
      try await !page.text("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
        .contains(Self.token))
    // It holds over a reload, and for the stream.
    try await page.send("Page.reload")
    try await page.untilNames(["w-2"])
    try await page.until("!document.getElementById('signout').hidden")
    try await page.click("#signout")
    try await page.until("document.activeElement?.id === 'token'")
    #expect(try await page.cookies().isEmpty)
    // The cookie that was is worth nothing.
    let old = try await ChildProcess.run(
      "curl",
      [
        "-s", "-o", "/dev/null", "-w", "%{http_code}", "-b", "rollcall=\(value)",
        world.address + "v1/members",
      ])
    #expect(old.output == "401")
    page.expectNoTrouble(but: "status of 401")
    try await page.close()
  }

  @Test(
    "another site's page can't sign in or out for somebody, and a name that isn't the daemon's is refused in words"
  )
  func others() async throws {
    let world = try await PageWorld()
    func code(_ arguments: String...) async throws -> String {
      try await ChildProcess.run(
        "curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}"] + arguments
      ).output
    }
    for method in ["POST", "DELETE"] {
      #expect(
        try await code("-X", method, "-H", "Origin: http://evil.example", world.address + "v1/session")
          == "403")
    }
    let refused = try await ChildProcess.run(
      "curl", ["-s", "-H", "Host: evil.example", "-H", "Accept: text/html,*/*", world.address])
    #expect(refused.output.hasPrefix("403 Forbidden\n\n"))
    #expect(refused.output.contains("name it in http.hosts"))
    // By a name that leads here a browser gets the same, and not a page.
    let page = try await BrowserPage()
    try await page.go(to: "http://rollcall.localhost:\(world.port)/")
    try await page.until("document.body?.innerText.includes('name it in http.hosts')")
    try await page.close()
  }
}
