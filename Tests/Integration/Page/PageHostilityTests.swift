import BrowserTestSupport
import Foundation
import TestSupport
import Testing

@Suite("Whatever nodes call themselves is text", .serialized, .enabled(if: Browser.isThere, browserHint))
struct PageHostilityTests {
  private static let names = [
    "<img src=x onerror=\"window.pwned = 1\">", "</script><script>window.pwned = 2</script>",
    "javascript:window.pwned=3",
    "#/../members?all=1", "../../v1/status", "a\u{202E}gpj.exe", "zero\u{200B}width", "${window.pwned=4}",
    "'\"><svg onload=window.pwned=5>",
    "__proto__", "constructor", "w\u{0000}null", "line\nbreak", "\u{3164}",
    String(repeating: "long", count: 50),
  ]

  @Test("markup, addresses, characters that can't be seen and long names do nothing, in each view")
  func names() async throws {
    let world = try await PageWorld()
    for (index, name) in Self.names.enumerated() {
      var node = PageWorld.Node(name, "10.66.0.\(index + 1)", id: "hostile-\(index)")
      node.hostname = name
      node.labels = [
        "rack": "r1", "note": String(name.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(20)),
      ]
      node.isReady = false
      node.reason = "<b onclick=window.pwned=6>"
      try world.put(node)
      node.hostname = "<i>\(index)</i>"
      try world.put(node, as: "kubernetes")
    }
    try world.say(
      "{\"degraded\":\(BrowserPage.quoted("<img src=x onerror=window.pwned=7> \u{202E}\u{2066} refused\nsecond line"))}",
      as: "kubernetes")
    let page = try await world.open()
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length > 8")
    let text = try await page.text("document.querySelector('.members .rows').innerText")
    #expect(text.contains("<img src=x onerror="))
    #expect(text.contains("a⟨U+202E⟩gpj.exe"))
    #expect(text.contains("zero⟨U+200B⟩width"))
    // What is long is cut in the middle, and whole in its title.
    try await page.until(
      "[...document.querySelectorAll('.members .named')].some(e => e.textContent.includes('…') && e.title.length === 200)"
    )
    let ids: [String] = try await page.value(
      "[...document.querySelectorAll('.members .rows a[data-open]')].map(a => a.getAttribute('href'))")
    #expect(ids.allSatisfy { $0.hasPrefix("#/node/") })
    // Each of them can be opened, and none leads anywhere else.
    let origin = try await page.text("location.origin + location.pathname")
    for id in ids {
      try await page.run("location.hash = \(BrowserPage.quoted(id))")
      try await page.until("document.querySelector('.node .matrix, .node .empty')")
      #expect(try await page.text("location.origin + location.pathname") == origin)
      #expect(
        try await page.value("document.querySelector('.node .matrix') !== null", as: Bool.self), "\(id)")
    }
    for view in [
      "registries", "conflicts?all=1", "history", "map", "members?q=%3Cimg", "node/%3Cimg%20src=x%3E",
    ] {
      try await page.run("location.hash = '#/\(view)'")
      try await page.until("document.querySelector('main .view')")
      let wanted = view.prefix { $0.isLetter }
      try await page.until("location.hash.includes('\(wanted)')")
    }
    try await page.run("location.hash = '#/registries'")
    try await page.until(
      "document.querySelector('.registries').innerText.includes('<img src=x onerror=window.pwned=7> ⟨U+202E⟩⟨U+2066⟩ refused')"
    )
    #expect(try await page.value("window.pwned === undefined", as: Bool.self))
    #expect(
      try await page.value(
        "document.querySelectorAll('main img, main script, main svg[onload], main i, main b[onclick]').length"
      ) == 0)
    page.expectNoTrouble(but: "status of 404")
    try await page.close()
  }

  @Test("the policy holds: no script, style or picture but the page's own, and no markup from text")
  func policy() async throws {
    let world = try await PageWorld()
    let page = try await world.open()
    let refused: [Bool] = try await page.value(
      """
      (async () => {
        const violated = []; addEventListener('securitypolicyviolation', e => violated.push(e.effectiveDirective));
        let thrown = false; try { document.createElement('div').innerHTML = '<b>x</b>'; } catch { thrown = true; }
        let evaluated = true; try { new Function('return 1')(); } catch { evaluated = false; }
        const image = new Image(); image.src = 'http://127.0.0.1:1/x.png';
        const style = document.createElement('style'); style.textContent = 'body { display: none }'; document.head.append(style);
        const fetched = await fetch('http://127.0.0.1:1/').then(() => true, () => false);
        for (let n = 0; n < 200 && violated.length < 4; n += 1) await new Promise(r => setTimeout(r, 20));
        return [thrown, evaluated, getComputedStyle(document.body).display === 'none', fetched,
          violated.some(d => d.startsWith('img-src')), violated.some(d => d.startsWith('connect-src')), violated.some(d => d.startsWith('style-src'))];
      })()
      """)
    #expect(refused == [true, false, false, false, true, true, true])
    try await page.close()
  }
}
