import BrowserTestSupport
import Foundation
import TestSupport
import Testing

@Suite("The page and its one stream", .serialized, .enabled(if: Browser.isThere, browserHint))
struct PageConnectionTests {
  @Test("a daemon that is away: connecting, behind, offline, and all by itself live again")
  func away() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2, PageWorld.w2])
    try world.take(intoInventory: [PageWorld.w2])
    let page = try await world.open(script: movableClock)
    try await page.untilRow("w-2", "sources", has: "inventory")
    try await world.kill()
    try await page.until("document.body.dataset.mode === 'connecting'")
    // The last list stays, untouched.
    #expect(try await page.names().contains("w-2"))
    #expect(try await page.text("document.getElementById('bars').innerText") == "")

    try await page.run("leap(36)")
    try await page.until("document.body.dataset.mode === 'behind'")
    let bar = "document.getElementById('bars').innerText"
    #expect(try await page.text(bar).contains("As of "))
    #expect(try await page.text(bar).contains("reconnecting"))
    #expect(try await page.text("getComputedStyle(document.querySelector('main')).filter") == "grayscale(1)")
    // Ages don't go on as if they were known.
    let age = try await page.text("document.querySelector('td.since').innerText")
    try await page.run("leap(30)")
    try await page.until("\(bar).includes('1m')")
    #expect(try await page.text("document.querySelector('td.since').innerText") == age)
    #expect(try await page.text("document.title") == "Rollcall")

    try await page.run("leap(60)")
    try await page.until("document.body.dataset.mode === 'offline'")
    #expect(try await page.text("document.title") == "(offline) Rollcall")
    #expect(try await page.value("document.querySelectorAll('[role=alert].bar-notice').length") == 1)
    // It is told once, not at each try.
    try await page.run("window.alarm = document.querySelector('[role=alert].bar-notice')")
    try await page.run("leap(60)")
    try await page.until("\(bar).includes('3m')")
    #expect(
      try await page.value(
        "window.alarm === document.querySelector('[role=alert].bar-notice')", as: Bool.self))

    try world.take(intoInventory: [PageWorld.w2, PageWorld.w3])
    try await world.start()
    try await page.until("document.body.dataset.mode === 'live'")
    try await page.until("!\(bar).includes('reconnecting')")
    #expect(try await page.text("document.title") == "Rollcall")
    try await page.untilRow("w-3", "status", has: "ready")
    try await page.until("/\\d+ changes? while away/.test(\(bar))")
    try await page.run("[...document.querySelectorAll('[data-id=missed] a')][0].click()")
    try await page.until(
      "location.hash.startsWith('#/history?from=') && document.querySelector('.history-rows tr[aria-rowindex]')"
    )
    page.expectNoTrouble(but: "net::ERR_")
    try await page.close()
  }

  @Test("a laptop that was closed: what is shown is old at once, and live again by the same stream's place")
  func closedLaptop() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2, PageWorld.w2])
    let page = try await world.open(script: movableClock)
    try await page.untilRow("w-2", "status", has: "ready")
    // The connection is there and nothing comes on it: there is no error that anybody could wait for.
    world.freeze()
    try await page.run("leap(10 * 3600)")
    try await page.until("document.body.dataset.mode === 'offline'")
    #expect(try await page.text("document.getElementById('bars').innerText").contains("10h"))
    world.thaw()
    try world.put(PageWorld.w3)
    try await page.until("document.body.dataset.mode === 'live'")
    try await page.untilRow("w-3", "status", has: "ready")
    // It went on where it was: nothing was told twice.
    let resets =
      SocketRequest.get("/metrics", at: world.folder.path("run/rollcall.sock"))
      .map { String(decoding: $0, as: UTF8.self) } ?? ""
    #expect(!resets.contains(#/rollcall_watch_resyncs_total\{[^}]*\} [1-9]/#))
    page.expectNoTrouble(but: "net::ERR_")
    try await page.close()
  }

  @Test("a tab that nobody looks at gives its stream back, and goes on when it is shown")
  func hiddenTab() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2])
    let page = try await world.open(script: movableClock)
    try await page.untilRow("cp-2", "status", has: "ready")
    #expect(world.watchers() == 1)
    try await page.hidden {
      try await page.run("leap(61)")
      try await eventually("nobody watches") { world.watchers() == 0 }
      try world.put(PageWorld.w3)
    }
    try await page.until("document.body.dataset.mode === 'live'")
    try await page.untilRow("w-3", "status", has: "ready")
    #expect(world.watchers() == 1)
    page.expectNoTrouble(but: "net::ERR_")
    try await page.close()
  }

  @Test("a daemon that has no place for one more says so, and one of another version that the page is old")
  func otherAnswers() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2])
    // What this daemon doesn't do by itself in a test.
    let answers = """
      (() => {
        const ask = fetch.bind(window);
        window.isFull = true;
        window.fetch = async (address, options) => {
          if (window.isFull && String(address).startsWith("v1/watch")) {
            return new Response('{"detail":"4096 watch already"}', { status: 429 });
          }
          const response = await ask(address, options);
          if (!window.isNewer || String(address) !== "v1/status") return response;
          return new Response(JSON.stringify({ ...await response.json(), version: "9.9.9" }));
        };
      })();
      """
    let page = try await BrowserPage(script: movableClock + answers)
    try await page.go(to: world.address)
    let bars = "document.getElementById('bars').innerText"
    try await page.until("\(bars).includes('4096 watch already')")
    try await page.run("window.isFull = false")
    try await page.untilRow("cp-2", "status", has: "ready")
    try await page.until("!\(bars).includes('4096')")
    try await page.run("window.isNewer = true; leap(31)")
    try await page.until("\(bars).includes('The daemon is 9.9.9 now')")
    page.expectNoTrouble()
    try await page.close()
  }

  @Test("a registry that has failed is told with how many members are known only from before")
  func failed() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2, PageWorld.w2])
    let page = try await world.open()
    try await page.untilRow("w-2", "status", has: "ready")
    try world.say(#"{"failed":"the door is closed"}"#)
    let bars = "document.getElementById('bars').innerText"
    try await page.until("\(bars).includes('service has failed')")
    try await page.until("\(bars).includes('2 members known only from before')")
    try await page.untilRow("w-2", "status", has: "stale")
    try await page.untilRow("w-2", "sources", has: "stale, registry-failed")
    try await page.until("document.getElementById('tabs').innerText.includes('1 not in sync')")
    page.expectNoTrouble()
    try await page.close()
  }
}
