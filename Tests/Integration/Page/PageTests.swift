import BrowserTestSupport
import Foundation
import TestSupport
import Testing

@Suite(
  "The page shows a running daemon's cluster", .serialized,
  .enabled(if: Browser.isThere, browserHint))
struct PageTests {
  @Test("its members, the worst first, who says so and why, and what else there is")
  func members() async throws {
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open()
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6")
    let names = try await page.names()
    #expect(names.prefix(4) == ["w-3", "w-2", "w-1", "cp-3"])
    #expect(names.sorted() == ["cp-1", "cp-2", "cp-3", "w-1", "w-2", "w-3"])
    #expect(try await page.cell("w-3", "status") == "missing")
    #expect(try await page.cell("w-3", "why").hasPrefix("left service "))
    #expect(try await page.cell("w-3", "why").hasSuffix(" ago (expired); still in kubernetes, inventory"))
    #expect(try await page.cell("w-3", "sources").contains("service (gone, expired)"))
    #expect(try await page.cell("w-2", "sources").contains("kubernetes (fresh, says KubeletNotReady)"))
    #expect(try await page.cell("w-2", "status").contains("in conflict"))
    #expect(try await page.cell("w-1", "addresses").contains("10.20.0.21 +1"))
    let chips = try await page.text(
      "document.querySelector('.members .chips').innerText.replace(/\\s+/g, ' ')")
    #expect(chips == "1 missing 1 notready 0 stale 1 left 3 ready 2 in conflict")
    #expect(
      try await page.text("document.querySelector('.extra').innerText").contains("1 superseded, 1 tombstone"))
    try await page.until("document.getElementById('tabs').innerText.includes('Members\\n6')")
    try await page.until("document.getElementById('daemon').innerText === 'on cp-1'")
    // Ages are measured to the daemon's clock and go on by themselves.
    let age = try await page.cell("w-3", "since")
    try await page.until(
      "document.querySelector('.members .rows tr[aria-rowindex=\"2\"] td.since').innerText !== '\(age)'")

    // Those that aren't listed come on demand, and that is in the address.
    try await page.click(".extra button")
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 8")
    #expect(try await page.text("location.hash") == "#/members?all=1")
    #expect(try await page.text("document.querySelector('.members .rows').innerText").contains("tombstone"))
    page.expectNoTrouble()
    try await page.close()
  }

  @Test("each change as it comes, without a request")
  func live() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2, PageWorld.w2])
    let page = try await world.open()
    try await page.untilRow("w-2", "status", has: "ready")
    let requests =
      "performance.getEntriesByType('resource').filter(e => e.name.includes('/v1/') && !e.name.endsWith('/v1/status')).length"
    let before: Int = try await page.value(requests)
    try world.put(PageWorld.w3)
    try await page.untilRow("w-3", "why", has: "leased in service")
    try world.remove(PageWorld.w2, "expired")
    // Nobody else lists it: a tombstone, which is no member any more.
    try await page.until("!document.querySelector('.members .rows').innerText.includes('w-2')")
    try world.put(PageWorld.w2)
    try world.take(intoInventory: [PageWorld.w3])
    try await page.untilRow("w-3", "sources", has: "inventory")
    try world.remove(PageWorld.w3, "expired")
    try await page.untilRow("w-3", "status", has: "missing")
    #expect(try await page.names().first == "w-3")
    try await page.until(
      "document.getElementById('announcer').textContent.includes('w-3 is missing') || document.getElementById('announcer').textContent.includes('more changes')"
    )
    #expect(try await page.value(requests) == before)
    #expect(
      try await page.value("document.querySelectorAll('.members tr.changed').length > 0", as: Bool.self))
    #expect(world.watchers() == 1)
    page.expectNoTrouble()
    try await page.close()
  }

  @Test(
    "whom one searches by name, address, identity or label, and filters that an address can be given to others"
  )
  func search() async throws {
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open()
    try await page.press("/")
    for (text, names) in [
      ("rack:r2", ["w-3"]), ("10.20.0.12", ["cp-2"]), ("NODE-CP-3", ["cp-3"]), ("w- ready", ["w-2", "w-1"]),
      ("controlplane cp-3", ["cp-3"]),
    ] {
      try await page.run("document.getElementById('search').value = ''")
      try await page.type(text)
      try await page.untilNames(names)
    }
    #expect(try await page.text("location.hash") == "#/members?q=controlplane+cp-3")
    try await page.type("zzz")
    try await page.until("document.querySelector('.empty').innerText.includes('Nobody matches')")
    // One step back for the whole search.
    try await page.run("history.back()")
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6")
    #expect(try await page.text("document.getElementById('search').value") == "")
    try await page.press("Escape")
    try await page.click(".chip.is-missing")
    try await page.untilNames(["w-3"])
    try await page.click(".chip.is-notready")
    try await page.untilNames(["w-3", "w-2"])
    #expect(try await page.text("location.hash") == "#/members?state=missing%2Cnotready")

    // What was copied from the address gives the same.
    let other = try await world.open("#/members?flag=conflict&sort=-name")
    try await other.untilNames(["w-2", "w-1"])
    #expect(try await other.text("document.querySelector('th.name').ariaSort") == "descending")
    try await other.click("th.name button")
    try await other.untilNames(["w-1", "w-2"])
    let lacking = try await world.open("#/members?lacks=service")
    try await lacking.untilNames(["w-3", "cp-3"])
    try await lacking.click(".token button")
    try await lacking.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6")
    for page in [page, other, lacking] {
      page.expectNoTrouble()
      try await page.close()
    }
  }

  @Test("by the keys alone")
  func keyboard() async throws {
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open()
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 6")
    let focused = "document.activeElement.textContent"
    try await page.press("Tab")
    #expect(try await page.text("document.activeElement.id") == "skip")
    try await page.press("Enter")
    try await page.until("\(focused) === 'w-3'")
    try await page.press("j")
    try await page.until("\(focused) === 'w-2'")
    try await page.press("ArrowDown")
    try await page.until("\(focused) === 'w-1'")
    try await page.press("k", "ArrowUp")
    try await page.until("\(focused) === 'w-3'")
    // Only one row is reached by the tabulator.
    #expect(try await page.value("document.querySelectorAll('.members .rows a[tabindex=\"0\"]').length") == 1)
    // An update doesn't take the focus away.
    try world.put(PageWorld.Node("w-9", "10.20.0.29"))
    try await page.until("document.querySelector('.moved').innerText.includes('moved')")
    #expect(try await page.text(focused) == "w-3")

    try await page.press("End", "Home", "Enter")
    try await page.until("document.querySelector('.node h2')?.textContent === 'w-3'")
    #expect(try await page.text("location.hash") == "#/node/w-3")
    try await page.press("Backspace")
    try await page.until("location.hash !== '#/node/w-3' && \(focused) === 'w-3'")
    for (key, view) in [
      ("r", "registries"), ("c", "conflicts"), ("h", "history"), ("p", "map"), ("m", "members"),
    ] {
      try await page.press("g", key)
      try await page.until(
        "location.hash === '#/\(view)' && document.querySelector('main h2').id === '\(view)-title'")
      #expect(
        try await page.text("document.querySelector('#tabs [aria-current]').getAttribute('href')")
          == "#/\(view)")
    }
    try await page.press("f")
    try await page.untilNames(["w-3"])
    try await page.press("f")
    try await page.untilNames(["w-2"])
    try await page.press("y")
    try await page.until("document.getElementById('toast').textContent === 'identity of w-2 copied'")
    try await page.press("t")
    #expect(try await page.text("document.documentElement.dataset.theme") == "dark")
    try await page.press("?")
    try await page.until("document.querySelector('dialog[open]')")
    #expect(
      try await page.text("document.querySelector('dialog').innerText").contains("copy the node's identity"))
    // Letters can be turned off, as speech input may say them by mistake.
    try await page.click("#letters")
    try await page.press("Escape")
    try await page.until("!document.querySelector('dialog[open]')")
    try await page.press("t")
    #expect(try await page.text("document.documentElement.dataset.theme") == "dark")
    page.expectNoTrouble()
    try await page.close()
  }

  @Test("rows stay where they are while somebody reads or points there, until they are sorted again")
  func held() async throws {
    let world = try await PageWorld()
    try world.list([PageWorld.cp2, PageWorld.w2, PageWorld.w3])
    try world.take(intoInventory: [PageWorld.w2, PageWorld.w3])
    let page = try await world.open("#/members?sort=status")
    try await page.until("document.querySelectorAll('.members .rows tr[aria-rowindex]').length === 4")
    try await page.untilRow("w-2", "sources", has: "inventory")
    let before = try await page.names()
    let last = try #require(before.last)
    let node = [PageWorld.w2, PageWorld.w3, PageWorld.cp2].first { $0.name == last } ?? PageWorld.w2
    let box: [Double] = try await page.value(
      "(() => { const b = document.querySelector('.members .rows tbody tr[aria-rowindex]').getBoundingClientRect(); return [b.x + 60, b.y + 16]; })()"
    )
    try await page.point(at: box)
    let moving = before.contains("w-3") ? PageWorld.w3 : node
    try world.remove(moving, "expired")
    try await page.untilRow(moving.name, "status", has: "missing")
    #expect(try await page.names() == before)
    #expect(try await page.text("document.querySelector('.moved').innerText").contains("1 row moved"))
    try await page.click(".moved button")
    try await page.until(
      "document.querySelector('.members .rows a[data-open]').textContent === '\(moving.name)'")
    page.expectNoTrouble()
    try await page.close()
  }
}
