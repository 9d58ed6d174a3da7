import BrowserTestSupport
import ClusterModel
import Foundation
import KubeSpan
import MeshTestSupport
import TestSupport
import Testing

@testable import StatusServer

@Suite(
  "The mesh on the page", .timeLimit(.minutes(3)),
  .enabled(if: Browser.isThere, "chromium isn't there: '.ci/setup tests' installs it"))
struct MeshPageTests {
  /// Where pictures are put, as those of the other views are.
  private let folder = URL(
    fileURLWithPath: ProcessInfo.processInfo.environment["ROLLCALL_SCREENSHOTS"]
      ?? BuiltProducts.checkout.appendingPathComponent(".build/screenshots").path)

  private func run(_ reports: MeshReports?, _ body: (BrowserPage, String) async throws -> Void) async throws {
    let records = try (1...5).map { AffiliateRecord(try SampleMesh.affiliate($0)) }
    let port = try LoopbackPort.free()
    try await TestDaemon.run(knowing: records) { options, _ in
      options.meshReports = reports
      options.http = .init(listen: try IPEndpoint("127.0.0.1:\(port)"))
    } _: { _ in
      let page = try await BrowserPage(width: 1280, height: 800)
      try await page.go(to: "http://127.0.0.1:\(port)/#/members")
      try await page.until("document.body?.dataset.mode === 'live' && document.querySelector('main .view')")
      try await body(page, "http://127.0.0.1:\(port)/")
      try await page.close()
    }
  }

  private func link(_ name: String) -> String {
    "[...document.querySelectorAll('#tabs li')].find(li => li.innerText.includes('\(name)') || li.textContent.includes('\(name)'))"
  }

  @Test("each peer with its state, those that are down first, and why; in both themes, wide and narrow")
  func peers() async throws {
    var report = try SampleMesh.report()
    report.problem = MeshReport.Problem(
      "the WireGuard device 'kubespan' listens nowhere <img src=x onerror=document.title='hacked'>",
      since: SampleMesh.ago(90))
    let reports = MeshReports()
    reports.publish(report)
    let audit = try String(
      contentsOf: BuiltProducts.checkout.appending(path: "Tests/Integration/Fixtures/page-audit.js"),
      encoding: .utf8)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try await run(reports) { page, _ in
      try await page.until("\(link("KubeSpan")) && !\(link("KubeSpan")).hidden")
      try await page.run("location.hash = '#/kubespan'")
      try await page.until("document.querySelectorAll('.peers tbody tr').length === 4")
      let rows: [String] = try await page.value(
        "[...document.querySelectorAll('.peers tbody tr')].map(r => r.cells[1].innerText.split('\\n')[0])")
      #expect(rows == ["w-2", "w-3", "w-4", "w-1"])
      let text = try await page.text("document.querySelector('.mesh').innerText")
      #expect(text.contains("no answer from 10.0.0.2:51820"))
      #expect(text.contains("none of its endpoints is tried: 192.168.0.3:51820"))
      #expect(text.contains("listens nowhere <img"))
      #expect(text.contains("14.3 MiB"))
      #expect(text.contains("contradiction"))
      for (width, height) in [(1280, 800), (360, 740)] {
        try await page.resize(width, height)
        for theme in ["light", "dark"] {
          try await page.prefer(["prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"])
          try await page.run("await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
          try await page.screenshot().write(
            to: folder.appendingPathComponent("kubespan-\(width)-\(theme).png"))
          let complaints: [String] = try await page.value(audit)
          #expect(complaints == [], "\(width) px, \(theme)")
          let overflow: Bool = try await page.value(
            "[...document.querySelectorAll('html, body, main, .scroller')].some(e => e.scrollWidth > e.clientWidth + 1)"
          )
          #expect(!overflow, "\(width) px, \(theme)")
        }
      }
      #expect(page.trouble == [])
    }
  }

  @Test("without a mesh there is no tab of it, and its address says why")
  func none() async throws {
    try await run(MeshReports()) { page, _ in
      try await page.until("document.getElementById('daemon').innerText !== ''")
      let isHidden: Bool = try await page.value("\(link("KubeSpan")).hidden")
      #expect(isHidden)
      try await page.run("location.hash = '#/kubespan'")
      try await page.until("document.querySelector('.mesh .empty')?.innerText.includes('KubeSpan is off')")
    }
  }
}
