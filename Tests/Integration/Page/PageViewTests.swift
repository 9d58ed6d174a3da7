import BrowserTestSupport
import Foundation
import TestSupport
import Testing

@Suite("The page's other views", .serialized, .enabled(if: Browser.isThere, browserHint))
struct PageViewTests {
  @Test("a node is explained: each registry, and each field with all claims and the rule")
  func node() async throws {
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open("#/node/w-2")
    try await page.until("document.querySelectorAll('.matrix tbody tr').length >= 5")
    #expect(try await page.text("document.querySelector('.node .head').innerText").contains("notready"))
    let registries = try await page.text("document.querySelector('.node .cards').innerText")
    #expect(registries.contains("not ready: KubeletNotReady"))
    #expect(registries.contains("registry degraded"))
    #expect(registries.contains("watch: connection refused by 10.20.0.10:6443"))
    let heads: [String] = try await page.value(
      "[...document.querySelectorAll('.matrix th')].map(th => th.innerText)")
    #expect(heads == ["Field", "Shown", "service", "inventory", "kubernetes", "Rule"])
    // What loses is struck through and still readable.
    let row =
      "[...document.querySelectorAll('.matrix tr')].find(r => r.cells[0].innerText.startsWith('hostname'))"
    try await page.until("\(row).querySelector('s.loses')")
    let said = try await page.text("\(row).innerText")
    #expect(said.contains("w-2.rack.example") && said.contains("conflict"))
    let raw = try await page.text("document.querySelector('.raw a').getAttribute('href')")
    let nodename: String = try await page.value(
      "fetch('\(raw)').then(r => r.json()).then(d => d.spec.nodename)")
    #expect(nodename == "w-2")
    // It is live: what changes is asked for again.
    var moved = PageWorld.w2
    moved.address = "10.20.0.99"
    try world.put(moved)
    try await page.until("document.querySelector('.matrix').innerText.includes('10.20.0.99')")

    // One that is gone, one that never was, one that several might be.
    try await page.run("location.hash = '#/node/w-4'")
    try await page.until("document.querySelector('.node .head').innerText.includes('tombstone')")
    #expect(try await page.text("document.querySelector('.timeline').innerText").contains("removed"))
    try await page.run("location.hash = '#/node/w-22'")
    try await page.until("document.querySelector('.node .empty')?.innerText.includes('did you mean')")
    #expect(
      try await page.text("document.querySelector('.node .empty a').getAttribute('href')") == "#/node/w-2")
    page.expectNoTrouble(but: "status of 404")
    try await page.close()
  }

  @Test("registries with the whole error, conflicts with each claim, who is known to whom")
  func others() async throws {
    let world = try await PageWorld()
    try await world.live()
    let page = try await world.open("#/registries")
    let kubernetes =
      "[...document.querySelectorAll('.registries tbody tr')].find(r => r.innerText.includes('kubernetes'))"
    try await page.until("\(kubernetes)?.innerText.includes('degraded')")
    let row = try await page.text("\(kubernetes).innerText")
    #expect(row.contains("watch: connection refused by 10.20.0.10:6443"))
    #expect(row.contains("failing") && row.contains("stale in"))
    try await page.until("document.getElementById('tabs').innerText.includes('1 not in sync')")
    #expect(
      try await page.text("document.querySelector('.registries').innerText").contains("disabled is true"))
    try await page.until("document.querySelector('.registries .lacks a')?.innerText.includes('cp-3')")
    try await page.click(".registries .lacks a")
    try await page.untilNames(["w-3", "cp-3"])

    try await page.run("location.hash = '#/conflicts'")
    try await page.until("document.querySelector('.card')?.innerText.includes('10.20.0.22')")
    let card = try await page.text("document.querySelector('.card').innerText")
    #expect(card.contains("w-1") && card.contains("w-2") && card.contains("service, kubernetes, inventory"))
    try await page.click("#conflicts-all")
    try await page.until("document.querySelector('.conflicts').innerText.includes('w-2.rack.example')")
    #expect(try await page.text("location.hash") == "#/conflicts?all=1")

    // The map's numbers are those of the table behind it, and each bar leads to its members.
    try await page.run("location.hash = '#/map'")
    try await page.until("document.querySelectorAll('.upset tbody tr').length === 3")
    let sets: [String] = try await page.value(
      "[...document.querySelectorAll('.upset .bar-link')].map(a => a.getAttribute('aria-label'))")
    #expect(
      sets.sorted() == [
        "1 member this node itself", "2 members inventory, kubernetes",
        "3 members service, inventory, kubernetes",
      ])
    #expect(try await page.value("document.querySelectorAll('.grid tbody tr').length") == 6)
    #expect(try await page.value("document.querySelectorAll('.upset rect.bar').length") == 3)
    try await page.run(
      "[...document.querySelectorAll('.upset .bar-link')].find(a => a.ariaLabel.startsWith('2')).click()")
    try await page.untilNames(["w-3", "cp-3"])
    #expect(try await page.text("location.hash").hasPrefix("#/members?in=inventory%2Ckubernetes"))
    page.expectNoTrouble()
    try await page.close()
  }

  @Test("history by time and kind, one that flaps as one line, a time by dragging")
  func history() async throws {
    let world = try await PageWorld()
    try await world.live()
    for _ in 0..<3 {
      for state in ["ready", "notready"] {
        var node = PageWorld.Node("w-7", "10.20.0.27")
        node.isReady = state == "ready"
        node.reason = node.isReady == true ? nil : "KubeletNotReady"
        try world.put(node, as: "kubernetes")
        let wanted = state
        try await eventually("w-7 is \(wanted)") {
          SocketRequest.states(at: world.folder.path("run/rollcall.sock"))?["w-7"] == wanted
        }
      }
    }
    let page = try await world.open("#/history")
    let list = "document.querySelector('.history-rows').innerText"
    try await page.until("\(list).includes('synced → degraded')")
    #expect(try await page.text(list).contains("watch: connection refused by 10.20.0.10:6443"))
    #expect(try await page.text(list).contains("ready → missing"))
    try await page.until("/w-7[^]*flapped \\d+ times/.test(\(list))")
    let rows = "document.querySelectorAll('.history-rows tr[aria-rowindex]').length"
    let folded: Int = try await page.value(rows)
    try await page.click(".history-rows .change .link")
    try await page.until("\(rows) > \(folded)")
    // From all kinds the first choice is that one alone.
    try await page.run(
      "[...document.querySelectorAll('.history .chip')].find(b => b.textContent === 'registries').click()")
    try await page.until("!\(list).includes('w-7') && \(list).includes('kubernetes')")
    #expect(try await page.text("location.hash") == "#/history?types=registry")
    let box: [Double] = try await page.value(
      "(() => { const b = document.querySelector('.chart').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()"
    )
    let middle = box[1] + box[3] / 2
    try await page.drag(from: [box[0] + box[2] * 0.2, middle], to: [box[0] + box[2] * 0.5, middle])
    try await page.until("location.hash.includes('from=') && document.querySelector('.empty:not([hidden])')")
    let hash = try await page.text("location.hash")
    let other = try await world.open(hash)
    try await other.until("document.querySelector('.history .token')")
    for page in [page, other] {
      page.expectNoTrouble()
      try await page.close()
    }
  }

  @Test("a daemon that knows nobody says what to do, and a registry that was never heard isn't passed over")
  func nobody() async throws {
    let folder = try TemporaryFolder()
    let port = try LoopbackPort.free()
    try folder.write(
      """
      cluster: {discovery: {registries: {racks: {plugin: static-file, path: racks.yaml}, slow: {plugin: exec, command: [./nobody]}}}}
      http: {listen: "127.0.0.1:\(port)"}
      node: {publish: false}
      """, to: "rollcall.yaml")
    try folder.write("nodes: []\n", to: "racks.yaml")
    let process = try Command.start(
      ["run", "--state", "state"], in: folder.path,
      environment: ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path("run")])
    defer { process.signal(SIGKILL) }
    try await eventually("it answers") {
      SocketRequest.get("/healthz", at: folder.path("run/rollcall.sock")) != nil || !process.isRunning
    }
    try #require(process.isRunning, "\(process.errorsSoFar)")
    let page = try await BrowserPage()
    try await page.go(to: "http://127.0.0.1:\(port)/")
    try await page.until("document.querySelector('.empty')?.innerText.includes('No members')")
    let empty = try await page.text("document.querySelector('.empty').innerText")
    #expect(empty.contains("racks") && empty.contains("0 records"))
    try await page.until(
      "document.getElementById('bars').innerText.includes('slow was never heard since the start')")
    try await page.close()
  }
}
