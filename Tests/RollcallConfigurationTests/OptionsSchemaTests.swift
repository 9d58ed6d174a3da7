import Documents
import RegistryKit
import RollcallConfiguration
import Testing

@Suite struct OptionsSchemaTests {
  private func failure(_ json: String) -> String {
    do {
      _ = try OptionsSchema(json: json)
      return "no error"
    } catch { return error.message }
  }

  private func errors(_ schema: String, _ options: String) throws -> [String] {
    let document = try YAML.parse(options.utf8, file: "o.yaml").documents.first
    return try OptionsSchema(json: schema).validate(options: try #require(document), file: "o.yaml")
      .map(\.description)
  }

  @Test(
    "a schema that couldn't be checked as its author means it is refused when it is loaded",
    arguments: [
      ("[]", "a schema must be an object, not a list"),
      ("{}", "its type must be 'object'"),
      (#"{"type":"object","propertys":{}}"#, "propertys: unknown keyword; did you mean 'properties'?"),
      (
        #"{"type":"object","oneOf":[]}"#,
        "oneOf: unknown keyword; those that are checked are type, properties"
      ),
      (
        #"{"type":"object","properties":{"a":{"type":"text"}}}"#, "properties.a.type: there is no type 'text'"
      ),
      (
        #"{"type":"object","properties":{"a":{"format":4}}}"#,
        "properties.a.format: it must be text, not a num"
      ),
      (
        #"{"type":"object","properties":{"a":{"type":"string","format":"duration","maximum":60,"default":"2m"}}}"#,
        "properties.a: default must be at most 1m, not 2m"
      ),
      (#"{"type":"object","type":"object"}"#, "1:18: a key is there twice"),
      (
        #"{"type":"object","properties":{"a":{"writeOnly":true,"type":"string","default":4874}}}"#,
        "properties.a: default must be text, not a number; write it in quotes"
      ),
      (#"{"type":"object","required":["a"]}"#, "'a' is required and isn't among the properties"),
      (#"{"type":"object","properties":{"plugin":{}}}"#, "properties.plugin: this key is the host's own"),
      (
        #"{"type":"object","properties":{"a":{"type":"integer","default":"x"}}}"#,
        "properties.a: default must be a whole number"
      ),
      (#"{"type":"object","properties":{"a":{"minimum":2,"maximum":1}}}"#, "properties.a: minimum is above"),
      (
        #"{"type":"object","properties":{"a":{"enum":[]}}}"#,
        "properties.a.enum: it must be a list with items"
      ),
      (
        #"{"type":"object","properties":{"a":{"minLength":-1}}}"#,
        "properties.a.minLength: it must be a whole"
      ),
      (#"{"type":"object","#, "1:18: a key in quotes is expected"),
    ])
  func wrongSchemas(json: String, expected: String) {
    #expect(failure(json).hasPrefix("the options schema is wrong: \(expected)"), "\(failure(json))")
  }

  @Test("what a schema says of the options can be shown to people")
  func options() throws {
    let schema = try #require(try Fixtures.schema("static-file"))
    let format = try #require(schema.options.first { $0.name == "format" })
    #expect(
      format.defaultValue == "\"auto\"" && format.defaultText == "auto" && format.type == "auto, yaml, json")
    #expect(schema.options.first?.isRequired == true && schema.options.first?.type == "text")
    #expect(try Fixtures.schema("service")?.options.first { $0.name == "pin" }?.isSecret == true)
  }

  @Test("other properties are refused unless the schema takes them, with or without a schema of their own")
  func additionalProperties() throws {
    #expect(
      try errors(#"{"type":"object"}"#, "a: 1") == [
        "o.yaml:1:1: unknown key 'a'; options knows plugin, disabled, onFailure, staleAfter, missingGrace, expect, lease, match, alone, isolate"
      ])
    #expect(try errors(#"{"type":"object","additionalProperties":true}"#, "a: 1").isEmpty)
    let texts = #"{"type":"object","additionalProperties":{"type":"string"}}"#
    #expect(try errors(texts, "a: x\nb: 1").count == 1)
  }

  @Test("a value of one of several types is taken")
  func severalTypes() throws {
    let schema = #"{"type":"object","properties":{"a":{"type":["integer","boolean"]}}}"#
    #expect(try errors(schema, "a: 1").isEmpty && errors(schema, "a: true").isEmpty)
    #expect(
      try errors(schema, "a: x") == [
        "o.yaml:1:4: options.a must be a whole number or true or false, not the text 'x'"
      ])
  }

  @Test("a duration without a unit is told with the one that is likely meant, in quotes or not")
  func durations() throws {
    let schema = #"{"type":"object","properties":{"d":{"type":"string","format":"duration"}}}"#
    for good in ["0s", "1h30m", "'0'", "1d12h"] {
      #expect(try errors(schema, "d: \(good)").isEmpty, "\(good)")
    }
    for bad in ["30", "'30'"] {
      #expect(try errors(schema, "d: \(bad)") == ["o.yaml:1:4: options.d: '30' has no unit; write 30s"])
    }
    #expect(try errors(schema, "d: 1h1h") == ["o.yaml:1:4: options.d: '1h1h' has the unit h twice"])
    #expect(
      try errors(schema, "d: [x]") == [
        "o.yaml:1:4: options.d must be a duration such as 30s, 5m or 1h30m, not a list"
      ])
  }

  @Test("limits hold at their very ends")
  func limits() throws {
    let schema =
      #"{"type":"object","properties":{"n":{"type":"number","minimum":-1,"maximum":1.5},"t":{"type":"string","minLength":2,"maxLength":3}}}"#
    for good in ["n: -1", "n: 1.5", "t: äö", "t: abc"] {
      #expect(try errors(schema, good).isEmpty, "\(good)")
    }
    for bad in ["n: -1.1", "n: 2", "n: .nan", "n: .inf", "t: a", "t: abcd"] {
      #expect(try errors(schema, bad).count == 1, "\(bad)")
    }
  }

  @Test("addresses are told from what isn't one")
  func uris() throws {
    let schema = #"{"type":"object","properties":{"u":{"type":"string","format":"uri"}}}"#
    for good in ["https://a.example/", "http://[::1]:8080/x?y#z", "unix:///run/x.sock", "mailto:a@b"] {
      #expect(try errors(schema, "u: '\(good)'").isEmpty, "\(good)")
    }
    for bad in ["example.org", "https://", "https:///x", "https://a b", "://x", "1http://x", "a:"] {
      #expect(try errors(schema, "u: '\(bad)'").count == 1, "\(bad)")
    }
  }
}
