import Platform
import Testing

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

@Suite struct DidYouMeanTests {
  @Test("what was meant is told in quotes, on one line, whatever it is")
  func text() {
    #expect(didYouMean("hostnam", among: ["hostname", "address"]) == "did you mean 'hostname'?")
    #expect(didYouMean("colour", among: ["hostname"]) == nil)
    #expect(didYouMean("worker-9", among: ["worker-\n"]) == "did you mean 'worker-\\n'?")
  }
}
