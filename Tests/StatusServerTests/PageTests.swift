import ClusterModel
import Foundation
import TestSupport
import Testing

@testable import StatusServer

@Suite("The page's files", .timeLimit(.minutes(2)))
struct PageFileTests {
  private static let folder = BuiltProducts.checkout.appendingPathComponent("Sources/StatusServer/Page")

  private func source(_ name: String) throws -> String {
    try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
  }

  @Test("are all served as they are in the folder, and nothing else is")
  func files() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
    #expect(PageFiles.all.keys.sorted() == names)
    for name in names {
      let bytes = try Data(contentsOf: Self.folder.appendingPathComponent(name))
      let file = try #require(PageFiles.all[name])
      #expect(Data(file.bytes.readableBytesView) == bytes, "\(name)")
    }
    #expect(Set(PageFiles.all.values.map(\.tag)).count == names.count)
  }

  @Test("each module that another one imports is there, and is fetched before it is asked for")
  func modules() throws {
    let index = try source("index.html")
    for name in PageFiles.all.keys where name.hasSuffix(".js") {
      for match in try source(name).matches(of: #/from "\.\/([a-z]+\.js)"/#) {
        let imported = String(match.output.1)
        #expect(PageFiles.all[imported] != nil, "\(name) imports \(imported)")
        #expect(index.contains("<link rel=\"modulepreload\" href=\"page/\(imported)\">"), "\(imported)")
      }
    }
  }

  @Test("never make markup of text, run text, or ask anybody else")
  func noMarkup() throws {
    for name in PageFiles.all.keys {
      let text = try source(name)
      for word in [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
        "DOMParser",
        "createContextualFragment", "srcdoc", "setHTML", " style=\"", "@import", "javascript:",
      ] where !(word == "javascript:" && name == "route.js") {
        #expect(!text.contains(word), "\(name): \(word)")
      }
      // The one name of another place is that of a language, and that of this one in an advice.
      let addresses = text.matches(of: #/https?:\/\/[^"'\s)]+/#).map { String($0.output) }
      let known = ["http://www.w3.org/2000/svg", "http://127.0.0.1:7655"]
      #expect(addresses.filter { !known.contains($0) } == [], "\(name)")
    }
    // No handler and no style in the document itself: the policy would refuse them.
    #expect(try source("index.html").firstMatch(of: #/\son[a-z]+=/#) == nil)
    #expect(try source("index.html").firstMatch(of: #/<style|<script>/#) == nil)
  }

  @Test("come with a strict policy, their type and a tag, and aren't sent twice")
  func answers() async throws {
    try await TestDaemon.run { daemon in
      let index = try await daemon.get("/")
      #expect(index.status == 200)
      #expect(index.fields["content-type"] == "text/html; charset=utf-8")
      #expect(
        index.fields["content-security-policy"]
          == "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
          + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'")
      #expect(index.fields["x-content-type-options"] == "nosniff")
      #expect(index.fields["referrer-policy"] == "no-referrer")
      #expect(index.fields["cross-origin-opener-policy"] == "same-origin")
      #expect(index.fields["cache-control"] == "no-cache")
      #expect(index.body.contains("<noscript>"))
      let tag = try #require(index.fields["etag"])
      let again = try await daemon.get("/", "-H", "If-None-Match: \(tag)")
      #expect(again.status == 304 && again.body.isEmpty && again.fields["etag"] == tag)
      for (name, type) in [
        ("app.js", "text/javascript; charset=utf-8"), ("page.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
      ] {
        let file = try await daemon.get("/page/\(name)")
        #expect(file.status == 200 && file.fields["content-type"] == type, "\(name)")
        #expect(file.fields["content-security-policy"] == index.fields["content-security-policy"])
      }
      for path in ["/page/none.js", "/page/", "/page/..%2Fopenapi.yaml", "/page/a/b"] {
        #expect(try await daemon.get(path).status == 404, "\(path)")
      }
      #expect(try await daemon.get("/", "-X", "POST").status == 405)
    }
  }

  @Test("are for everybody, as one signs in there, and there are none where `http.page` is false")
  func access() async throws {
    for page in [true, false] {
      try await TestDaemon.run { options, folder in
        try folder.write("a token of some length\n".replacing(" ", with: "-"), to: "tokens")
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o600], ofItemAtPath: folder.path("tokens"))
        options.http = StatusServerOptions.HTTP(
          listen: try IPEndpoint("127.0.0.1:0"), tokensFile: folder.path("tokens"), page: page)
      } _: { daemon in
        let port = try #require(await daemon.server.port())
        let base = "http://127.0.0.1:\(port)"
        #expect(try await TestDaemon.curl([base + "/"]).status == (page ? 200 : 404))
        #expect(try await TestDaemon.curl([base + "/page/app.js"]).status == (page ? 200 : 404))
        #expect(try await TestDaemon.curl([base + "/v1/status"]).status == 401)
        // Somebody else's page can't use it, and in a browser a refusal is a sentence.
        let foreign = try await TestDaemon.curl(["-H", "Origin: http://evil.example", base + "/"])
        #expect(foreign.status == 403)
        let refused = try await TestDaemon.curl([
          "-H", "Host: <b>evil</b>", "-H", "Accept: text/html", base + "/",
        ])
        #expect(refused.status == 403)
        #expect(refused.fields["content-type"] == "text/plain; charset=utf-8")
        #expect(refused.body.contains("name it in http.hosts"))
      }
    }
  }
}
