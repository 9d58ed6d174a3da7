import BrowserTestSupport
import Foundation
import TestSupport
import Testing

@Suite("How the page looks and reads", .serialized, .enabled(if: Browser.isThere, browserHint))
struct PageAppearanceTests {
  /// Where pictures of each view are put: `ROLLCALL_SCREENSHOTS`, or a folder of the build's.
  static let folder = URL(
    fileURLWithPath: ProcessInfo.processInfo.environment["ROLLCALL_SCREENSHOTS"]
      ?? BuiltProducts.checkout.appendingPathComponent(".build/screenshots").path)

  /// Each view, and what is there when it is complete.
  private static let views: [(name: String, route: String, condition: String)] = [
    ("members", "#/members", "document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6"),
    (
      "members-all", "#/members?all=1",
      "document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 8"
    ),
    ("members-nobody", "#/members?q=nobody", "document.querySelector('.empty').innerText.includes('Nobody')"),
    ("node", "#/node/w-2", "document.querySelector('.node .matrix, .node .folds')"),
    ("node-unknown", "#/node/w-33", "document.querySelector('.node .empty a')"),
    ("registries", "#/registries", "document.querySelectorAll('.registries tbody tr').length === 4"),
    ("conflicts", "#/conflicts?all=1", "document.querySelectorAll('.card').length >= 2"),
    ("history", "#/history", "document.querySelectorAll('.history-rows tr[aria-rowindex]').length > 5"),
    ("map", "#/map", "document.querySelectorAll('.grid tbody tr').length === 6"),
  ]

  @Test(
    "each view in both themes, wide and narrow: roles, names, contrast, no sideways scroll; kept as pictures")
  func views() async throws {
    let world = try await PageWorld()
    try await world.live()
    try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
    let audit = try String(contentsOfFile: fixture("page-audit.js"), encoding: .utf8)
    let page = try await world.open()
    try await page.until("document.getElementById('daemon').innerText !== ''")
    try await page.until("document.getElementById('tabs').innerText.includes('1 not in sync')")
    for (width, height) in [(1280, 800), (360, 740)] {
      try await page.resize(width, height)
      for theme in ["light", "dark"] {
        try await page.prefer(["prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"])
        for view in Self.views {
          let place = "\(view.name), \(width) px, \(theme)"
          try await page.run("location.hash = '\(view.route)'")
          try await page.until(view.condition)
          // Painted, too.
          try await page.run("await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
          try await page.screenshot().write(
            to: Self.folder.appendingPathComponent("\(view.name)-\(width)-\(theme).png"))
          let complaints: [String] = try await page.value(audit)
          #expect(complaints == [], "\(place)")
          let overflow: [String] = try await page.value(
            """
            [...document.querySelectorAll('html, body, main, .scroller, .top, .filters, .foot')]
              .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className || e.tagName)
            """)
          #expect(overflow == [], "\(place)")
        }
      }
    }
    page.expectNoTrouble(but: "status of 404")
    try await page.close()
  }

  @Test("what is old looks old and can still be read; help, sign-in and the menu are in order too")
  func states() async throws {
    let audit = try String(contentsOfFile: fixture("page-audit.js"), encoding: .utf8)
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open(script: movableClock)
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6")
    try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
    func look(_ name: String) async throws {
      for (width, height) in [(1280, 800), (360, 740)] {
        try await page.resize(width, height)
        for theme in ["light", "dark"] {
          try await page.prefer(["prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"])
          try await page.run("await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
          try await page.screenshot().write(
            to: Self.folder.appendingPathComponent("\(name)-\(width)-\(theme).png"))
          let complaints: [String] = try await page.value(audit)
          #expect(complaints == [], "\(name), \(width) px, \(theme)")
        }
      }
    }
    // With colours of the reader's own there is still everything to be seen.
    try await page.prefer(["forced-colors": "active", "prefers-color-scheme": "dark"])
    let forced: [String] = try await page.value(audit)
    #expect(forced == [])
    try await page.screenshot().write(to: Self.folder.appendingPathComponent("forced-colors-1280.png"))
    try await page.press("?")
    try await page.until("document.querySelector('dialog[open]')")
    try await look("help")
    try await page.press("Escape")
    try await page.resize(360, 740)
    try await page.click("#menu")
    try await page.until("document.querySelector('.tabs.is-open')")
    // Fingers need room.
    let small: [String] = try await page.value(
      "[...document.querySelectorAll('.top button, .top input, .tabs a, .chip')].filter(e => e.getClientRects().length && e.offsetHeight < 44).map(e => e.outerHTML)"
    )
    #expect(small == [])
    try await look("menu")
    try await page.resize(360, 740)
    try await page.click("#menu")
    try await world.kill()
    try await page.run("leap(36)")
    try await page.until("document.body.dataset.mode === 'behind'")
    try await look("behind")
    try await page.run("leap(90)")
    try await page.until("document.body.dataset.mode === 'offline'")
    try await look("offline")
    page.expectNoTrouble(but: "net::ERR_")
    try await page.close()
  }

  @Test("a screen reader finds tables, rows, cells and links, wide and narrow")
  func roles() async throws {
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open()
    for width in [1280, 360] {
      try await page.resize(width, 740)
      try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6")
      try await page.send("Accessibility.enable")
      let answer = try JSONSerialization.jsonObject(with: await page.send("Accessibility.getFullAXTree"))
      let nodes = (answer as? [String: Any])?["nodes"] as? [[String: Any]] ?? []
      func text(_ value: Any?) -> String { (value as? [String: Any])?["value"] as? String ?? "" }
      let kept = nodes.filter { !($0["ignored"] as? Bool ?? false) }
      func count(_ role: String) -> Int { kept.count { text($0["role"]) == role } }
      #expect(count("table") == 1, "\(width)")
      #expect(count("row") >= 6, "\(width)")
      #expect(count("cell") >= 30, "\(width)")
      #expect(count("main") == 1 && count("navigation") <= 1, "\(width)")
      let links = kept.filter { text($0["role"]) == "link" }.map { text($0["name"]) }
      for name in ["w-3", "cp-1"] { #expect(links.contains(name), "\(width): \(links)") }
      let pressed = kept.filter { text($0["role"]) == "button" }.map { text($0["name"]) }
      #expect(pressed.contains { $0.contains("missing") }, "\(pressed)")
      try await page.send("Accessibility.disable")
    }
    // Somebody who wants no movement has none.
    try await page.prefer(["prefers-reduced-motion": "reduce"])
    #expect(
      try await page.text("getComputedStyle(document.querySelector('.rows tbody td')).animationName")
        == "none")
    try await page.close()
  }
}
