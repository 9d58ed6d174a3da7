import ClusterModel
import ClusterResources
import Foundation
import TestSupport
import Testing

@testable import RollcallCommand

/// A document of the six-node world, as the daemon's API gives it.
private func document(_ name: String) throws -> ResourceValue {
  try ResourceValue(json: Array(file("\(name).json").utf8))
}

private func file(_ name: String) throws -> String {
  let path = "Tests/ClusterResourcesTests/Golden/world/\(name)"
  return try String(contentsOf: BuiltProducts.checkout.appendingPathComponent(path), encoding: .utf8)
}

private func trimmed(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map {
    String($0).replacing(#/ +$/#, with: "")
  }
  .joined(separator: "\n")
}

private let now = Timestamp(milliseconds: 1_795_662_000_000)
private let plain = Style(isColoured: false)

@Suite("The documented world is told as its documentation tells it")
struct WorldTextTests {
  @Test("status")
  func status() throws {
    #expect(try trimmed(StatusText.text(document("status"), plain)) == file("status.txt"))
  }

  @Test("a daemon that says little has a status all the same")
  func empty() throws {
    #expect(
      StatusText.text([:], plain)
        == "rollcall \n\nMEMBERS      0 listed\n\nno registry is enabled: see 'rollcall get registries'\n")
  }

  @Test("history, over its pages")
  func history() throws {
    var text = HistoryText()
    let entries = try document("history-1")["items"]?.items ?? []
    let more = try document("history-2")["items"]?.items ?? []
    #expect(try trimmed(text.text(of: entries + more, at: now)) == file("history.txt"))
    #expect(text.text(of: [], at: now) == "")
  }

  @Test("an entry of another day says which, and one that is folded how often")
  func otherDay() throws {
    var text = HistoryText(hasHeader: false)
    let entry: ResourceValue = [
      "time": "2026-11-25T23:59:59Z", "type": "member", "id": "w-1\n", "from": .null, "to": "flapping",
      "reason": "expired", "count": 12,
    ]
    #expect(
      text.text(of: [entry], at: now) == "2026-11-25 23:59:59  member  w-1\\n  flapping  expired (12 times)\n"
    )
  }

  @Test("what differs from then, and between two registries")
  func diff() throws {
    #expect(try trimmed(DiffText.world(document("diff-since"))) == file("diff-since.txt"))
    #expect(
      try trimmed(DiffText.registries(document("diff-registries"), at: now)) == file("diff-registries.txt"))
  }

  @Test("nothing that differs is told as such")
  func equal() {
    #expect(
      DiffText.world(["from": "2026-11-26T02:50:00Z", "to": "2026-11-26T03:00:00Z", "items": [], "equal": 1])
        == "0 differences between 02:50:00 and 03:00:00, 1 member equal\n")
  }

  @Test("the explanation of a node that is missing")
  func explanation() throws {
    let text = try ExplanationText.text(document("explain-w-3"), plain)
    #expect(
      trimmed(text) == """
        w-3   missing since 02:48:11 (12m): left service 12m ago (expired); still in kubernetes, inventory
            identity: NVtfu1bT1QjhNq5xJFUZl8f8I8LOCnnpGrZfPpdN9WlB
            a member of the cluster; version 5, last changed 02:05:02 (55m); first seen 2026-11-20 09:00:00
            service      gone    expired 02:48:11 (12m), last renewed 02:18:11 (42m)
            kubernetes   fresh   since 01:12:31 (108m), notready: KubeletNotReady
            inventory    stale   cached since 2026-11-20 09:00:00 (6d)
            rule: a lease that ended without a goodbye, and nobody fresh who says that it lives

        addresses: ["10.20.0.23"]
            k8s/x         chosen   ["10.20.0.23"]   12s ago
            rule: a list holds all that anybody says

        hostname: w-3   (conflict)
            inventory/x   loses    w-3.rack         12m ago, stale
            k8s/x         chosen   w-3              12s ago
            rule: the last wins

        conflicts:
            field/NVtfu1bT…/hostname (info): w-3 (k8s) shown; w-3.rack (inventory)

        """)
  }

  @Test("the line under a table of members, and none where all is well")
  func summary() throws {
    let members = try document("members")["items"]?.items ?? []
    let registries = try document("registries")["items"]?.items ?? []
    #expect(
      MemberNotes.summary(members, registries: registries, at: now)
        == "1 missing (w-3, 12m), 1 notready (w-2), 2 in conflict, 1 left; kubernetes is degraded: see 'rollcall status'"
    )
    #expect(
      MemberNotes.summary([], registries: registries, at: now)
        == "kubernetes is degraded: see 'rollcall status'")
    #expect(MemberNotes.summary([members[0]], registries: [registries[0]], at: now) == nil)
    let many = (1...5).map { number -> ResourceValue in
      [
        "metadata": ["id": .text("w-\(number)")],
        "status": ["state": "missing", "since": "2026-11-26T02:00:00Z"],
      ]
    }
    #expect(
      MemberNotes.summary(many, registries: [], at: now)
        == "5 missing (w-1, w-2, w-3, …): see 'rollcall status'")
  }

  @Test("hostile text can neither break a line nor draw on a terminal")
  func hostile() throws {
    let evil = "a\n\u{1b}[31m\u{202e}b"
    func poisoned(_ value: ResourceValue) -> ResourceValue {
      switch value {
      case .text(let text): .text(text.hasPrefix("2026-") ? text : text + evil)
      case .list(let items): .list(items.map(poisoned))
      case .fields(let fields): .fields(fields.map { .init($0.name, poisoned($0.value)) })
      default: value
      }
    }
    var history = HistoryText()
    let texts = [
      try StatusText.text(poisoned(document("status")), plain),
      history.text(of: try document("history-1")["items"]?.items.map(poisoned) ?? [], at: now),
      try DiffText.world(poisoned(document("diff-since"))),
      try DiffText.registries(poisoned(document("diff-registries")), at: now),
      try ExplanationText.text(poisoned(document("explain-w-3")), plain),
    ]
    for text in texts {
      let special = text.unicodeScalars.filter { $0 != "\n" && ($0.value < 0x20 || $0 == "\u{202e}") }
      #expect(special.isEmpty, "\(text)")
      #expect(!text.contains("a\n"), "\(text)")
    }
  }
}
