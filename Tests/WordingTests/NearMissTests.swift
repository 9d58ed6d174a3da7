import Testing
import Wording

@Suite struct NearMissTests {
  private let words = ["nodeId", "addresses", "hostname", "service", "kubernetes"]

  @Test(
    "a slip is recognised",
    arguments: [
      ("hostnam", "hostname"), ("HostName", "hostname"), ("hsotname", "hostname"), ("adresses", "addresses"),
      ("sevice", "service"), ("srevice", "service"), ("kubernets", "kubernetes"),
    ])
  func slips(text: String, meant: String) { #expect(nearMiss(of: text, among: words) == meant) }

  @Test(
    "another word is no slip",
    arguments: ["", "file", "colour", "id", "x", String(repeating: "hostname", count: 100)])
  func noSlips(text: String) { #expect(nearMiss(of: text, among: words) == nil) }

  @Test("of two that are as near it is the first by name, and of none it is none")
  func ties() {
    #expect(nearMiss(of: "rack", among: ["rock", "rank"]) == "rank")
    #expect(nearMiss(of: "x", among: [String]()) == nil)
  }
}
