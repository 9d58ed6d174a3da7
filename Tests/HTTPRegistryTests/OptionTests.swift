import Documents
import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import HTTPRegistry

@Suite struct OptionTests {
  @Test(
    "options that can't work together are found without a run, and say what would be right",
    arguments: [
      ("{}", "nothing is named to ask"), (#"{"url":"https://u:p@h/"}"#, "url must be a URL such as"),
      (#"{"url":"ftp://h/"}"#, "url must be a URL such as"), (#"{"url":"https:///x"}"#, "url"),
      (#"{"url":"https://h/","rollcall":"https://h/"}"#, "rollcall and url exclude each other"),
      (#"{"rollcall":"https://h/","follow":"sse"}"#, "rollcall and follow exclude each other"),
      (
        #"{"url":"https://h/","follow":"ndjson","format":"csv"}"#,
        "follow: ndjson and format exclude each other"
      ),
      (#"{"url":"https://h/","follow":"sse","mapping":{"items":"$","id":".id"}}"#, "follow: sse and mapping"),
      (
        #"{"url":"https://h/","format":"csv","mapping":{"items":"$","id":".id"}}"#,
        "mapping and format exclude"
      ),
      (#"{"url":"https://h/","clientKeyFile":"k"}"#, "are needed together"),
      (#"{"url":"https://h/","tokenFile":"t","headers":{"Authorization":"x"}}"#, "exclude each other"),
      (#"{"url":"http://h/","tokenFile":"t"}"#, "tokenFile over plain HTTP"),
      (#"{"rollcall":"http://10.0.0.1:80","tokenFile":"t"}"#, "write `allowInsecure: true`"),
      (#"{"url":"https://h/","headers":{"Host":"x"}}"#, "Host is up to the connection"),
      (#"{"url":"https://h/","headers":{"a b":"geheim"}}"#, "isn't the name of a header"),
      (#"{"url":"https://h/","headers":{"X":"geheim\nY: z"}}"#, "headers.X: the value is one line"),
      (#"{"url":"https://h/","mapping":{"items":"$"}}"#, "mapping needs one of"),
      (#"{"url":"https://h/","interval":"10ms"}"#, "interval"),
    ])
  func refused(options: String, says: String) {
    let error = #expect(throws: RegistryError.self) {
      _ = try HTTPRegistrySettings(HTTPOptions(json: options), baseDirectory: "/")
    }
    #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    #expect(error?.message.contains("geheim") == false)
    #expect(error?.message.contains("u:p") == false)
  }

  @Test(
    "a redirect's place is found as RFC 3986 has it",
    arguments: [
      ("/x", "http://h:81/x"), ("x", "http://h:81/a/x"), ("?q=1", "http://h:81/a/b"),
      ("//other/y", "http://other:80/y"),
      ("http://other:82", "http://other:82/"), ("HTTPS://other/z?q#f", "https://other:443/z"),
      ("x:y", nil), ("javascript:x", nil), ("a/b:c", "http://h:81/a/a/b:c"), ("x y", nil),
    ] as [(String, String?)])
  func following(location: String, expected: String?) throws {
    let url = try RequestURL("http://h:81/a/b?c=d", option: "url")
    #expect(url.following(location)?.description == expected)
  }

  @Test("the README has the sections of every plugin, every option, and examples that work")
  func readme() throws {
    let file = "Plugins/HTTP/README.md"
    let text = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent(file), encoding: .utf8)
    let sections = text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
    #expect(sections == ["Name", "Description", "Configuration", "Metrics", "Examples"])
    let table = HTTPOptions.options.schema.markdownTable
    #expect(text.contains("\n\n\(table)\n"), "the table should be:\n\(table)")
  }

  @Test("every configuration in the README makes a registry")
  func examples() throws {
    let blocks = try MarkdownBlock.all(in: "Plugins/HTTP/README.md")
      .filter { $0.text.hasPrefix("# rollcall.yaml") }
    #expect(blocks.count == 4)
    for block in blocks {
      let stream = try YAML.parse(Array(block.text.utf8), file: block.description)
      let registries = stream.documents.first?["cluster"]?["discovery"]?["registries"]?.pairs ?? []
      #expect(registries.count == 1)
      for registry in registries {
        #expect(registry.value["plugin"]?.string == HTTPRegistry.descriptor.name)
        let options = (registry.value.pairs ?? []).filter { $0.key != "plugin" }.map { ($0.key, $0.value) }
        _ = try HTTPRegistrySettings(HTTPOptions(json: YAML.json(of: .mapping(options))), baseDirectory: "/")
      }
    }
  }
}
