import Foundation
import TestSupport
import Testing

@testable import Dialing

/// What kubectl and curl take for the same files.
@Suite("Trust in a server's certificate", .timeLimit(.minutes(2)))
struct CertificateCheckTests {
  /// Makes a root, an intermediate, a server of each, a stranger's root of the root's name, and a server that signed
  /// itself.
  private static func make() async throws -> Certificates {
    let all = try await Certificates()
    _ = try await all.make("middle", names: "", isAuthority: true)
    _ = try await all.make("server", names: "DNS:h.example,IP:127.0.0.1", by: "middle")
    _ = try await all.make("direct", names: "DNS:h.example")
    _ = try await all.make("own", names: "DNS:h.example", by: "own")
    _ = try await all.make("old", names: "DNS:h.example", days: -1)
    return all
  }

  private static func pem(_ all: Certificates, _ names: [String]) throws -> String {
    try names.map { try String(contentsOfFile: all.folder.path("\($0).pem"), encoding: .utf8) }.joined()
  }

  private static func problem(
    _ all: Certificates, chain: [String], anchors: String, host: String = "h.example"
  ) throws -> String? {
    let der = try chain.map { name in
      let text = try pem(all, [name])
      return try #require(PEMBlocks(Array(text.utf8)).all.first(where: \.isCertificate)?.bytes)
    }
    let trusted = try TrustAnchors(pem: Array(anchors.utf8), name: "caFile /ca.pem")
    return CertificateCheck(peer: "https://peer", host: host, anchors: trusted).problem(with: der)?.message
  }

  @Test("ends at any certificate that is trusted: a root, an intermediate, the server's own")
  func anchors() async throws {
    let all = try await Self.make()
    for (chain, anchors, isGood) in [
      (["server", "middle"], ["ca"], true), (["server", "middle", "ca"], ["ca"], true),
      (["server", "middle"], ["middle"], true), (["server"], ["middle"], true),
      (["server", "middle", "ca"], ["middle"], true), (["server"], ["server"], true),
      (["server", "middle", "ca"], ["server"], true), (["server"], ["middle", "ca"], true),
      (["server"], ["ca"], false), (["direct"], ["direct"], true), (["direct"], ["ca"], true),
      (["direct"], ["middle"], false), (["own"], ["own"], true), (["own"], ["ca"], false),
      (["server", "middle"], ["own"], false), (["server", "middle"], ["direct"], false),
      (["old"], ["old"], false),
    ] {
      let problem = try Self.problem(all, chain: chain, anchors: try Self.pem(all, anchors))
      #expect((problem == nil) == isGood, "\(chain) by \(anchors): \(problem ?? "good")")
    }
  }

  @Test("has the true reason, the names of the certificate, and who signed it, where it is refused")
  func reasons() async throws {
    let all = try await Self.make()
    let ca = try Self.pem(all, ["ca"])
    func reason(_ chain: [String], _ anchors: String, host: String = "h.example") throws -> String {
      try Self.problem(all, chain: chain, anchors: anchors, host: host) ?? "good"
    }
    #expect(try reason(["server"], ca).contains("signed by 'CN=middle', which caFile /ca.pem doesn't trust"))
    #expect(try reason(["server"], ca).contains("it is for DNS:h.example, IP Address:127.0.0.1"))
    #expect(try reason(["own"], ca).contains("self-signed certificate"))
    #expect(
      try reason(["old"], ca).contains("'CN=old' of https://peer is refused: certificate has expired, on "))
    let other = try reason(["server", "middle"], ca, host: "other.example")
    #expect(
      other.contains("mismatch for 'other.example', it is for DNS:h.example, IP Address:127.0.0.1"),
      "\(other)")
    #expect(try reason(["server", "middle"], ca, host: "127.0.0.1") == "good")
    #expect(try reason(["server", "middle"], ca, host: "127.0.0.2").contains("IP address mismatch"))
    let stranger = try await Certificates()
    let strange = try String(contentsOfFile: stranger.authority, encoding: .utf8)
    #expect(try reason(["direct"], strange).contains("'CN=direct' of https://peer is refused"))
  }

  @Test("is read of a file as people have it: with texts, carriage returns, other blocks, and broken ones")
  func files() async throws {
    let all = try await Self.make()
    let ca = try Self.pem(all, ["ca"])
    let key = try String(contentsOfFile: all.folder.path("server.key"), encoding: .utf8)
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    let cut = String(ca.prefix(200))
    for text in [
      "# the authority\n\(ca)", ca.replacing("\n", with: "\r\n"), "\u{FEFF}\(ca)", key + ca, broken + ca,
      ca + cut,
      ca.split(separator: "\n").map { "  \($0)  " }.joined(separator: "\n"),
      ca.trimmingCharacters(in: .newlines),
      "subject=CN = x\n\(ca)\n\nissuer\n" + (try Self.pem(all, ["own"])) + ca,
      ca.replacing("CERTIFICATE", with: "X509 CERTIFICATE"),
      ca.replacing("CERTIFICATE", with: "TRUSTED CERTIFICATE"),
    ] {
      #expect(try Self.problem(all, chain: ["direct"], anchors: text) == nil, "\(text)")
    }
    for (text, part) in [
      ("", "has no certificate in PEM"), (cut, "has no certificate in PEM"), (key, "but a private key"),
      (broken, "has no certificate that can be read, of 1"), ("\u{1}\u{2}", "has no certificate in PEM"),
    ] {
      do {
        _ = try TrustAnchors(pem: Array(text.utf8), name: "caFile /ca.pem")
        Issue.record("it was read: \(text)")
      } catch {
        #expect("\(error)".contains("caFile /ca.pem") && "\(error)".contains(part), "\(error)")
      }
    }
  }

  @Test("is found in a bundle of the system's size")
  func bundle() async throws {
    let all = try await Self.make()
    let filler = try Self.pem(all, ["own", "middle"])
    let bundle =
      String(repeating: "# a root of the world\n" + filler, count: 200) + (try Self.pem(all, ["ca"]))
    #expect(bundle.utf8.count > 200_000)
    let start = ContinuousClock.now
    #expect(try Self.problem(all, chain: ["direct"], anchors: bundle) == nil)
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
