import ClusterModel
import FoundationEssentials
import Testing

@testable import RegistryKit

/// Options of every type.
private struct EveryOption: RegistryOptions {
  enum Mode: String, CaseIterable { case fast, slow }

  struct Host: RegistryOptions {
    var name = ""
    var port: UInt16 = 80

    static let options = OptionList<Self> {
      RegistryOption("name", \.name, .text(length: 1...64), "its name").required
      RegistryOption("port", \.port, .integer, "where it listens")
    }
  }

  struct Retry: RegistryOptions {
    var pause = Duration.seconds(1)

    static let options = OptionList<Self> { RegistryOption("pause", \.pause, .duration, "how long") }
  }

  var url = ""
  var path: String?
  var paths: [String] = []
  var interval = Duration.seconds(30)
  var grace: Duration?
  var mode = Mode.slow
  var depth = 3
  var share = 0.5
  var follow = true
  var address: IPAddress?
  var networks: [IPPrefix] = []
  var peer: IPEndpoint?
  var proxy: URL?
  var token: Secret?
  var key: SecretBytes?
  var hosts: [Host] = []
  var main = Host()
  var labels: [String: String] = [:]
  var retry = Retry()

  static let options = OptionList<Self> {
    RegistryOption("url", \.url, .uri, "where the inventory is").required
    RegistryOption("path", \.path, .text(length: 1...4096), "a file")
    RegistryOption("paths", \.paths, .list(of: .text(length: 1...9), count: 1...2), "`a` | `b`")
    RegistryOption(
      "interval", \.interval, .duration(in: .milliseconds(100) ... .seconds(86_400)), "how often")
    RegistryOption("grace", \.grace, .duration, "how long")
    RegistryOption("mode", \.mode, .choice, "how")
    RegistryOption("depth", \.depth, .integer(in: 1...16), "how deep")
    RegistryOption("share", \.share, .number(in: 0...1), "how much")
    RegistryOption("follow", \.follow, .flag, "whether links are followed")
    RegistryOption("address", \.address, .ip, "an address")
    RegistryOption("networks", \.networks, .list(of: .cidr), "networks")
    RegistryOption("peer", \.peer, .endpoint, "a peer")
    RegistryOption("proxy", \.proxy, .uri, "a proxy")
    RegistryOption("token", \.token, .secret, "a token")
    RegistryOption("key", \.key, .base64, "a key")
    RegistryOption("hosts", \.hosts, .list(of: .object), "hosts")
    RegistryOption("main", \.main, .object, "the first host")
    RegistryOption("labels", \.labels, .map(of: .text), "labels")
    RegistryOption("retry", \.retry, .object, "retries")
  }
}

@Suite("Options that are declared once") struct OptionsTests {
  /// What is said of `json`; nil where it is taken.
  private func message(_ json: String) -> String? {
    do throws(RegistryError) {
      _ = try EveryOption(json: json)
      return nil
    } catch { return error.message }
  }

  @Test("what isn't written is as the properties say")
  func defaults() throws {
    let options = try EveryOption(json: #"{"url":"https://a/"}"#)
    #expect(options.url == "https://a/" && options.path == nil && options.paths == [])
    #expect(options.interval == .seconds(30) && options.mode == .slow && options.main.port == 80)
  }

  @Test("each format becomes its type")
  func formats() throws {
    let options = try EveryOption(
      json: #"""
        {"url": "https://a/", "path": "p", "paths": ["x", "y"], "interval": "1h30m", "grace": "0", "mode": "fast",
         "depth": 16, "share": 1e-1, "follow": false, "address": "fd00::2", "networks": ["10.0.0.0/8"],
         "peer": "[fd00::2]:51820", "proxy": "http://p:3128/", "token": "t", "key": "aHVzaA==",
         "hosts": [{"name": "a"}, {"name": "b", "port": 65535}], "main": {"name": "m"}, "labels": {"a.b/c": "d"}}
        """#)
    #expect(options.path == "p" && options.paths == ["x", "y"] && options.mode == .fast)
    #expect(options.interval == .seconds(5400) && options.grace == .zero)
    #expect(options.depth == 16 && options.share == 0.1 && !options.follow)
    #expect(try options.address == IPAddress("fd00::2") && options.networks == [IPPrefix("10.0.0.0/8")])
    #expect(try options.peer == IPEndpoint("[fd00::2]:51820") && options.proxy?.port == 3128)
    #expect(options.token?.revealed == "t" && options.key?.revealed == Array("hush".utf8))
    #expect(options.hosts.map(\.name) == ["a", "b"] && options.hosts.map(\.port) == [80, 65_535])
    #expect(options.main.name == "m" && options.labels == ["a.b/c": "d"])
  }

  @Test(
    "what is wrong is told with the option, the value and what would be right",
    arguments: [
      (#"{}"#, "option 'url' is missing"),
      (#"{"url":"u:1","paht":1}"#, "unknown key 'paht'; did you mean 'path'?"),
      (
        #"{"url":"u:1","interval":30}"#,
        "option 'interval': '30' has no unit; write 30s"
      ),
      (
        #"{"url":"u:1","interval":"30"}"#,
        "option 'interval': '30' has no unit; write 30s"
      ),
      (#"{"url":"u:1","interval":"99ms"}"#, "option 'interval' must be at least 100ms, not 99ms"),
      (#"{"url":"u:1","interval":"1d1s"}"#, "option 'interval' must be at most 1d, not 1d1s"),
      (
        #"{"url":"u:1","mode":"fsat"}"#,
        "option 'mode' must be one of fast, slow, not the text 'fsat'; did you mean 'fast'?"
      ),
      (#"{"url":"u:1","depth":0}"#, "option 'depth' must be at least 1, not 0"),
      (#"{"url":"u:1","depth":1.5}"#, "option 'depth' must be a whole number, not the number 1.5"),
      (
        #"{"url":"u:1","depth":99999999999999999999}"#,
        "option 'depth' must be a whole number, not the number 99999999999999999999"
      ),
      (
        #"{"url":"u:1","depth":"3"}"#,
        "option 'depth' must be a whole number, not the text '3' in quotes; write 3"
      ),
      (#"{"url":"u:1","share":1e999}"#, "option 'share' must be a number, not the number 1e999"),
      (
        #"{"url":"u:1","follow":"yes"}"#,
        "option 'follow' must be true or false, not the text 'yes'; write true"
      ),
      (
        #"{"url":"u:1","path":8080}"#,
        "option 'path' must be text, not the number 8080; write it in quotes: '8080'"
      ),
      (#"{"url":"u:1","path":null}"#, "option 'path' is empty; write a value, or leave the key out"),
      (#"{"url":"u:1","path":""}"#, "option 'path' must have at least 1 character, it has 0"),
      (#"{"url":"u:1","paths":[]}"#, "option 'paths' must have at least 1 item, it has 0"),
      (
        #"{"url":"u:1","paths":["a",2]}"#,
        "option 'paths[1]' must be text, not the number 2; write it in quotes: '2'"
      ),
      (
        #"{"url":"u:1","address":"10.0.0.300"}"#,
        "option 'address': '10.0.0.300' isn't an IP address such as 10.5.0.2 or fd00::2"
      ),
      (
        #"{"url":"u:1","networks":["10.0.0.0"]}"#,
        "option 'networks[0]': '10.0.0.0' isn't a prefix such as 10.244.1.0/24 or fd00::/64"
      ),
      (#"{"url":"u:1","hosts":[{"name":"a"},{"port":1}]}"#, "option 'hosts[1].name' is missing"),
      (
        #"{"url":"u:1","hosts":[{"name":"a","port":65536}]}"#,
        "option 'hosts[0].port' must be at most 65535, not 65536"
      ),
      (#"{"url":"u:1","main":{"name":"a","prot":1}}"#, "unknown key 'prot'; did you mean 'port'?"),
      (#"{"url":"u:1","main":{"name":"a","x":1}}"#, "unknown key 'x'; option 'main' knows name, port"),
      (
        #"{"url":"u:1","labels":{"a":1}}"#,
        "option 'labels.a' must be text, not the number 1; write it in quotes: '1'"
      ),
    ])
  func wrong(json: String, expected: String) { #expect(message(json) == expected) }

  @Test("everything that is wrong is told at once")
  func several() {
    #expect(
      message(#"{"depth":0,"follow":1}"#)
        == "option 'depth' must be at least 1, not 0; option 'follow' must be true or false, not the number 1; "
        + "write true; option 'url' is missing")
  }

  @Test(
    "no message has a secret, nor an address that may have a password",
    arguments: [
      #"{"url":"no hush"}"#, #"{"url":"u:1","token":4874}"#, #"{"url":"u:1","token":["hush"]}"#,
      #"{"url":"u:1","key":"hush!"}"#, #"{"url":"u:1","proxy":"http://me:hush@ x"}"#,
      #"{"url":"u:1","a very secret hush":1}"#, #"{"url":"u:1","key":{"hush":1}}"#, #"{"hush":"#, "hush",
    ])
  func secrets(json: String) throws {
    let error = try #require(message(json))
    #expect(!error.contains("hush") && !error.contains("4874"))
  }

  @Test("no description of options has a secret")
  func descriptions() throws {
    let options = try EveryOption(json: #"{"url":"u:1","token":"hush","key":"aHVzaA=="}"#)
    var dumped = ""
    dump(options, to: &dumped)
    for text in [dumped, "\(options)", String(reflecting: options), "\(String(describing: options.token))"] {
      #expect(!text.contains("hush") && !text.contains("104"))
    }
    #expect("\(try #require(options.key))" == "<redacted>")
  }

  @Test(
    "text that isn't one JSON object is refused at its place",
    arguments: [
      ("", "the options aren't JSON: 1:1: a JSON value is expected"),
      ("[]", "the options must be a JSON object, not a list"),
      ("{} {}", "the options aren't JSON: 1:4: one JSON value is followed by something else"),
      (#"{"a":1,"a":2}"#, "the options aren't JSON: 1:8: a key is there twice"),
      (#"{"a":01}"#, "the options aren't JSON: 1:6: a JSON value is expected"),
      (#"{"a":"\x"}"#, "the options aren't JSON: 1:7: JSON has no such escape"),
      (
        #"{"a":"\ud800"}"#,
        "the options aren't JSON: 1:13: '\\u' must be followed by four hexadecimal digits; characters above "
          + "U+FFFF are two such escapes, a high surrogate and a low one"
      ),
      ("{\n \"ä\" 1}", "the options aren't JSON: 2:6: ':' is expected after a key"),
    ])
  func notJSON(json: String, expected: String) { #expect(message(json) == expected) }

  @Test("lists within lists end somewhere")
  func depth() throws {
    #expect(throws: JSONSyntaxError.self) {
      try JSONValueReader.read(String(repeating: "[", count: 1_000_000))
    }
    _ = try JSONValueReader.read(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
  }

  @Test("a program's options are checked as a person's are, and defaults needn't be right")
  func check() throws {
    var options = EveryOption()
    #expect(
      throws: RegistryError(
        .invalidArgument, "option 'url' isn't a URL such as https://discovery.example.org/")
    ) {
      try options.check()
    }
    options.url = "https://a/"
    try options.check()
    options.interval = .zero
    options.grace = .seconds(-1)
    #expect(
      throws: RegistryError(
        .invalidArgument,
        "option 'interval' must be at least 100ms, not 0s; option 'grace': '-1s' is negative; a duration is zero "
          + "or more")
    ) { try options.check() }
  }

  @Test("another decoder may decode them too")
  func otherDecoders() throws {
    let json = Data(#"{"url":"u:1","depth":4,"share":0.25,"follow":false,"hosts":[{"name":"a"}]}"#.utf8)
    let options = try JSONDecoder().decode(EveryOption.self, from: json)
    #expect(options.depth == 4 && options.share == 0.25 && !options.follow && options.hosts.count == 1)
  }
}

@Suite("The schema of declared options") struct DeclaredSchemaTests {
  private struct Few: RegistryOptions {
    var url = ""
    var interval = Duration.milliseconds(1500)
    var pin: Secret? = Secret("hush")
    var networks: [IPPrefix] = []

    static let options = OptionList<Self> {
      RegistryOption("url", \.url, .uri, "where").required
      RegistryOption("interval", \.interval, .duration(in: .zero ... .seconds(60)), "how \"often\"")
      RegistryOption("pin", \.pin, .secret, "a pin")
      RegistryOption("networks", \.networks, .list(of: .cidr, count: 0...4), "in | out")
    }
  }

  @Test("is the same text each time, with the defaults of the properties and no secret")
  func text() {
    #expect(
      Few.schema
        == #"{"type":"object","properties":{"#
        + #""url":{"type":"string","format":"uri","description":"where"},"#
        + #""interval":{"type":"string","format":"duration","maximum":60,"default":"1.5s","description":"how \"often\""},"#
        + #""pin":{"type":"string","writeOnly":true,"description":"a pin"},"#
        + #""networks":{"type":"array","maxItems":4,"items":{"type":"string","format":"cidr"},"description":"in | out"}},"#
        + #""required":["url"],"additionalProperties":false}"#)
  }

  @Test("reads as what it was made from")
  func roundTrip() throws {
    #expect(try OptionsSchema(json: Few.schema) == Few.options.schema)
    #expect(try OptionsSchema(json: EveryOption.schema) == EveryOption.options.schema)
  }

  @Test("makes the table of the README")
  func table() {
    #expect(
      Few.options.schema.markdownTable == #"""
        | option | type | default | description |
        |---|---|---|---|
        | `url` | URL | required | where |
        | `interval` | duration, at most 1m | `1.5s` | how "often" |
        | `pin` | text, secret | | a pin |
        | `networks` | list of prefix, at most 4 | | in \| out |

        """#)
  }

  @Test("shows what people may write")
  func types() {
    let types = Dictionary(
      uniqueKeysWithValues: EveryOption.options.schema.options.map { ($0.name, $0.type) })
    #expect(types["interval"] == "duration, 100ms to 1d")
    #expect(types["mode"] == "fast, slow" && types["depth"] == "whole number, 1 to 16")
    #expect(types["follow"] == "true or false" && types["token"] == "text, secret")
    #expect(types["key"] == "base64, secret" && types["labels"] == "mapping to text")
    #expect(types["hosts[].port"] == "whole number, 0 to 65535" && types["main.name"] == "text")
  }

  @Test("fills in every default, within options too, and nothing for those that must be written")
  func filled() throws {
    #expect(
      try EveryOption.options.schema.fillingDefaults(in: #"{"url":"u:1"}"#)
        == #"{"url":"u:1","interval":"30s","mode":"slow","depth":3,"share":0.5,"follow":true,"retry":{"pause":"1s"}}"#
    )
  }

  @Test("a default that breaks its own rule is an error for who reads the schema, and traps nobody")
  func brokenDefault() {
    struct Broken: RegistryOptions {
      var interval = Duration.seconds(120)

      static let options = OptionList<Self> {
        RegistryOption("interval", \.interval, .duration(in: .zero ... .seconds(60)), "how often")
      }
    }
    #expect(
      throws: OptionsSchemaError("properties.interval: default must be at most 1m, not 2m")
    ) { try OptionsSchema(json: Broken.schema) }
  }

  @Test("a foreign schema's numbers, however large, are read and shown")
  func hugeBounds() throws {
    let schema = try OptionsSchema(
      json: #"{"type":"object","properties":{"a":{"type":"string","format":"duration","maximum":1e300},"#
        + #""b":{"type":"number","minimum":-1e300},"c":{"type":"string","format":"ipv4"}}}"#)
    #expect(schema.options.map(\.name) == ["a", "b", "c"])
    #expect(schema.options[2].type == "text")
    #expect(try schema.problems(in: #"{"a":"100d","b":1e299,"c":"anything"}"#) == [])
  }
}

@Suite("Defaults of a schema") struct FillingDefaultsTests {
  private static let schema = #"""
    {"type": "object", "properties": {
      "url": {"type": "string"},
      "interval": {"type": "string", "format": "duration", "default": "30s"},
      "depth": {"type": "integer", "default": 3},
      "tls": {"type": "object", "properties": {"verify": {"type": "boolean", "default": true}}},
      "retry": {"type": "object", "default": {"times": 2}, "properties": {
        "times": {"type": "integer"}, "pause": {"type": "string", "default": "1s"}}},
      "hosts": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "port": {"type": "integer", "default": 80}}}},
      "more": {"type": "object", "additionalProperties": {
        "type": "object", "properties": {"weight": {"type": "number", "default": 0.5}}}}}}
    """#

  @Test(
    "are filled in where an option isn't there, within objects too",
    arguments: [
      ("{}", #"{"interval":"30s","depth":3,"retry":{"times":2,"pause":"1s"}}"#),
      (
        #"{"url":"u","depth":1.0e0,"retry":{}}"#,
        #"{"url":"u","depth":1.0e0,"retry":{"pause":"1s"},"interval":"30s"}"#
      ),
      (
        #"{"interval":null,"depth":"x","retry":7,"tls":{}}"#,
        #"{"interval":null,"depth":"x","retry":7,"tls":{"verify":true}}"#
      ),
      (
        #"{"interval":"1s","depth":1,"retry":{"pause":"2s"},"hosts":[{"name":"a"},{"port":1}],"more":{"x":{}}}"#,
        #"{"interval":"1s","depth":1,"retry":{"pause":"2s"},"hosts":[{"name":"a","port":80},{"port":1}],"more":{"x":{"weight":0.5}}}"#
      ),
    ])
  func filled(options: String, expected: String) throws {
    #expect(try OptionsSchema(json: Self.schema).fillingDefaults(in: options) == expected)
  }

  @Test("a duration of zero may be a number, and is text for the plugin")
  func zero() throws {
    let schema = try OptionsSchema(json: Self.schema)
    #expect(try schema.problems(in: #"{"interval":0}"#) == [])
    #expect(
      try schema.fillingDefaults(in: #"{"interval":0,"depth":0}"#).hasPrefix(#"{"interval":"0","depth":0,"#))
    #expect(try EveryOption(json: #"{"url":"u:1","grace":0}"#).grace == .zero)
  }

  @Test("options that aren't a JSON object are refused", arguments: ["", "[]", "null", #"{"a":1,"a":1}"#])
  func refused(options: String) throws {
    let schema = try OptionsSchema(json: Self.schema)
    #expect(throws: RegistryError.self) { try schema.fillingDefaults(in: options) }
  }
}

@Suite("Options of any decodable type") struct DecodableOptionsTests {
  private struct Plain: Decodable {
    enum Mode: String, Decodable { case fast, slow }
    struct Host: Decodable {
      var name: String
      var port: UInt16?
    }

    var interval: Duration
    var pauses: [Duration]?
    var limits: [String: Duration]?
    var address: IPAddress?
    var network: IPPrefix?
    var peer: IPEndpoint?
    var url: URL?
    var token: Secret?
    var key: SecretBytes?
    var mode: Mode?
    var hosts: [Host]?
    var share: Float?
    var secretMode: Mode?
    var nested: Nested?

    struct Nested: RegistryOptions {
      var wait = Duration.seconds(1)

      static let options = OptionList<Self> {
        RegistryOption("wait", \.wait, .duration(in: .seconds(1) ... .seconds(2)), "how long")
      }
    }
  }

  private func message(_ json: String) -> String? {
    do throws(RegistryError) {
      _ = try OptionsDecoder.decode(Plain.self, from: json)
      return nil
    } catch { return error.message }
  }

  @Test("have the types that formats stand for")
  func formats() throws {
    let options = try OptionsDecoder.decode(
      Plain.self,
      from: #"""
        {"interval": "1m30s", "pauses": ["1s", "250ms"], "limits": {"a": "1d"}, "address": "10.0.0.1",
         "network": "fd00::/64", "peer": "10.0.0.1:1", "url": "https://a/b", "token": "t", "key": "aHVzaA==",
         "mode": "slow", "hosts": [{"name": "a", "port": null}, {"name": "b", "port": 2}], "share": 0.5,
         "nested": {}}
        """#)
    #expect(options.interval == .seconds(90) && options.pauses == [.seconds(1), .milliseconds(250)])
    #expect(options.limits == ["a": .seconds(86_400)])
    #expect(try options.address == IPAddress("10.0.0.1") && options.network == IPPrefix("fd00::/64"))
    #expect(try options.peer == IPEndpoint("10.0.0.1:1") && options.url?.path() == "/b")
    #expect(options.token?.revealed == "t" && options.key?.revealed == Array("hush".utf8))
    #expect(options.mode == .slow && options.hosts?.map(\.port) == [nil, 2] && options.share == 0.5)
    #expect(options.nested?.wait == .seconds(1))
    _ = try OptionsDecoder.decode(NoOptions.self, from: "{}")
  }

  @Test(
    "are told of what is wrong in the same words",
    arguments: [
      ("{}", "option 'interval' is missing"),
      (
        #"{"interval":30}"#,
        "option 'interval': '30' has no unit; write 30s"
      ),
      (#"{"interval":null}"#, "option 'interval' is empty; write a value, or leave the key out"),
      (
        #"{"interval":"1s","pauses":["1s","x"]}"#,
        "option 'pauses[1]': 'x' isn't a duration such as 30s, 5m or 1h30m"
      ),
      (#"{"interval":"1s","pauses":"1s"}"#, "option 'pauses' must be a list, not the text '1s'"),
      (
        #"{"interval":"1s","hosts":[{"name":"a","port":-1}]}"#,
        "option 'hosts[0].port' must be at least 0, not -1"
      ),
      (#"{"interval":"1s","hosts":[7]}"#, "option 'hosts[0]' must be a mapping, not the number 7"),
      (#"{"interval":"1s","hosts":[{}]}"#, "option 'hosts[0].name' is missing"),
      (#"{"interval":"1s","mode":"x"}"#, "option 'mode': Cannot initialize Mode from invalid String value x"),
      (
        #"{"interval":"1s","secretMode":"hush"}"#,
        "option 'secretMode' can't be used; its value isn't shown, as it may be a secret"
      ),
      (#"{"interval":"1s","token":4874}"#, "option 'token' must be text, not a number; write it in quotes"),
      (#"{"interval":"1s","key":"hush"}"#, nil),
      (#"{"interval":"1s","key":"hush!"}"#, "option 'key' isn't base64 text"),
      (#"{"interval":"1s","nested":{"wait":"3s"}}"#, "option 'nested.wait' must be at most 2s, not 3s"),
    ] as [(String, String?)])
  func wrong(json: String, expected: String?) { #expect(message(json) == expected) }

  @Test("addresses are decoded by any decoder")
  func addresses() throws {
    let decoded = try JSONDecoder().decode([IPEndpoint].self, from: Data(#"["10.0.0.1:80"]"#.utf8))
    #expect(try decoded == [IPEndpoint("10.0.0.1:80")])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([IPPrefix].self, from: Data(#"["10.0.0.1"]"#.utf8))
    }
  }
}
