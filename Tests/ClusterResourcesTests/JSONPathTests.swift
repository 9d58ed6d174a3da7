import ClusterModel
import ClusterResources
import Testing

@Suite struct JSONPathTests {
  let value: ResourceValue = [
    "metadata": ["id": "worker-1", "version": 3],
    "spec": [
      "hostname": "host",
      "a.b": "dotted",
      "addresses": ["10.5.0.2", "10.5.0.3", "fd00::1", "fd00::2"],
      "ports": [
        ["name": "api", "port": 6443, "secure": .bool(true)], ["name": "dns", "port": 53],
        ["name": "web", "port": 443],
      ],
      "nested": ["port": 1],
    ],
  ]

  func result(_ expression: String) throws -> String {
    try JSONPathTemplate(relaxed: expression).text(of: value)
  }

  @Test(
    "an expression alone prints each result on a line of its own",
    arguments: [
      ("{.metadata.id}", "worker-1\n"),
      (".metadata.id", "worker-1\n"),
      ("metadata.id", "worker-1\n"),
      ("{metadata.id}", "worker-1\n"),
      ("{$.metadata.version}", "3\n"),
      ("{@.metadata.version}", "3\n"),
      ("{['metadata']['id']}", "worker-1\n"),
      ("{['metadata.id']}", "worker-1\n"),
      ("{.spec['a.b']}", "dotted\n"),
      (#"{.spec.a\.b}"#, "dotted\n"),
      (#"{['spec.a\.b']}"#, "dotted\n"),
      ("{.spec.addresses[0]}", "10.5.0.2\n"),
      ("{.spec.addresses[-1]}", "fd00::2\n"),
      ("{.spec.addresses[9]}", ""),
      ("{.spec.addresses[-9]}", ""),
      ("{.spec.addresses[1:3]}", "10.5.0.3\nfd00::1\n"),
      ("{.spec.addresses[:2]}", "10.5.0.2\n10.5.0.3\n"),
      ("{.spec.addresses[-2:]}", "fd00::1\nfd00::2\n"),
      ("{.spec.addresses[::3]}", "10.5.0.2\nfd00::2\n"),
      ("{.spec.addresses[2:1]}", ""),
      ("{.spec.addresses[0,-1]}", "10.5.0.2\nfd00::2\n"),
      ("{.spec.ports[*].name}", "api\ndns\nweb\n"),
      ("{.metadata.*}", "worker-1\n3\n"),
      ("{.metadata[*]}", "worker-1\n3\n"),
      ("{.metadata['id','version']}", "worker-1\n3\n"),
      ("{.metadata[id,version]}", "worker-1\n3\n"),
      ("{['metadata.id','spec.hostname']}", "worker-1\nhost\n"),
      ("{..port}", "6443\n53\n443\n1\n"),
      ("{.spec..port}", "6443\n53\n443\n1\n"),
      ("{..ports[0].name}", "api\n"),
      ("{.spec.ports[?(@.port == 53)].name}", "dns\n"),
      ("{.spec.ports[?(@.port!=53)].name}", "api\nweb\n"),
      ("{.spec.ports[?(@.port < 443)].name}", "dns\n"),
      ("{.spec.ports[?(@.port<=443)].name}", "dns\nweb\n"),
      ("{.spec.ports[?(@.port > 443)].name}", "api\n"),
      ("{.spec.ports[?(@.port >= 443)].name}", "api\nweb\n"),
      ("{.spec.ports[?(@.name==\"api\")].port}", "6443\n"),
      ("{.spec.ports[?(@.secure)].name}", "api\n"),
      ("{.spec.ports[?(@.secure==true)].name}", "api\n"),
      ("{.spec.ports[?(@.name == 53)].name}", ""),
      ("{.spec.addresses[?(@ == 'fd00::1')]}", "fd00::1\n"),
      ("{.spec.ports[?(@.port > $.metadata.version)].name}", "api\ndns\nweb\n"),
      ("{.nothing.here[0]}", ""),
      ("{ .metadata.id }", "worker-1\n"),
      ("{.spec.nested}", "{\n    \"port\": 1\n}\n"),
    ])
  func expressions(expression: String, expected: String) throws {
    #expect(try result(expression) == expected)
  }

  @Test("the whole is a dot, a dollar or an at sign", arguments: ["{.}", "{$}", "{@}", ".", "$"])
  func whole(expression: String) throws {
    #expect(try result(expression) == JSONText.pretty(value) + "\n")
  }

  @Test("among text, results stand in one line and the end is a line break")
  func text() throws {
    #expect(try result("{.metadata.id}: {.spec.addresses[0:2]}") == "worker-1: 10.5.0.2 10.5.0.3\n")
    #expect(try result(#"{.metadata.id}{"\t"}{.spec.nested}{"\n"}"#) == "worker-1\t{\"port\":1}\n")
    #expect(try result("{.nothing}{.metadata.id}") == "worker-1\n")
    #expect(try result(#"{'it\'s'} {"\"q\""}"#) == "it's \"q\"\n")
  }

  @Test("a range repeats what is in it, with $ still the whole")
  func ranges() throws {
    #expect(
      try result(#"{range .spec.ports[*]}{.name}={@.port} of {$.metadata.id}{"\n"}{end}"#)
        == "api=6443 of worker-1\ndns=53 of worker-1\nweb=443 of worker-1\n")
    #expect(
      try result("{range .spec.ports[0:2]}<{range $.spec.addresses[:1]}{@}{end}>{end}")
        == "<10.5.0.2><10.5.0.2>\n")
    #expect(try result("{range .spec.nothing[*]}x{end}") == "")
  }

  @Test(
    "what is wrong is told with its column and what would be right",
    arguments: [
      ("{.metadata.id", "column 1: this '{' has no '}'"),
      ("{}", "column 1: the braces are empty; write a path such as {.metadata.id}"),
      ("", "column 1: an expression is missing, such as {.metadata.id}"),
      (".metadata.", "column 11: the end is too early; expected a field's name"),
      (".metadata id", "column 11: 'i' doesn't belong here; expected '.', '[' or the end"),
      ("{.a[}", "column 5: '}' doesn't belong here; expected a field's name"),
      ("{.a[1}", "column 6: '}' doesn't belong here; expected ',' or ']'"),
      ("{.a[1", "column 4: this '[' has no ']'"),
      ("{.a[]}", "column 4: the brackets are empty; write an index, '*', a quoted name or ?(filter)"),
      ("{.a[::0]}", "column 7: a slice's step must be at least 1"),
      ("{.a[99999999999999999999]}", "column 5: '99999999999999999999' isn't a whole number"),
      ("{.a['b]}", "column 5: this quote has no end"),
      ("{.a[?(@.b ~ 1)]}", "column 11: '~' doesn't belong here; expected one of == != < <= > >= or ')'"),
      (
        "{.a[?(@.b == c)]}",
        "column 14: 'c' doesn't belong here; expected @.field, a quoted text, a number, true or false"
      ),
      (
        "{.a[?@.b]}",
        "column 6: '@' doesn't belong here; expected '(': a filter is written [?(@.field == 'value')]"
      ),
      ("{range .a[*]}x", "column 1: this {range} has no {end}"),
      ("{range}x{end}", "column 7: range needs a path, such as {range .spec.addresses[*]}"),
      ("x{end}", "column 2: {end} closes no {range}"),
    ])
  func errors(expression: String, expected: String) {
    #expect(message { try JSONPathTemplate(relaxed: expression) } == "jsonpath " + expected)
  }

  @Test("what an expression may ask for is bounded")
  func bounds() throws {
    let deep = String(repeating: "{range .}", count: 40) + String(repeating: "{end}", count: 40)
    #expect(message { try JSONPathTemplate(relaxed: deep) }?.contains("more than 32 deep") == true)
    let filters = String(repeating: "[?(@", count: 40)
    #expect(message { try JSONPathTemplate(relaxed: filters) }?.contains("more than 32 deep") == true)
    let long = String(repeating: ".a", count: 5000)
    #expect(message { try JSONPathTemplate(relaxed: long) }?.contains("at most 8192") == true)
    let wide = try JSONPathTemplate(relaxed: String(repeating: "..*", count: 12))
    #expect(message { try wide.text(of: .nest(9, width: 3)) }?.contains("too many values") == true)
    let ranges = try JSONPathTemplate(
      relaxed: String(repeating: "{range ..}", count: 5) + "{$}" + String(repeating: "{end}", count: 5))
    #expect(message { try ranges.text(of: .nest(6, width: 3)) } != nil)
    #expect(try result("{.spec.addresses[-9223372036854775808]}") == "")
    #expect(
      try result("{.spec.addresses[-9223372036854775808:9223372036854775807:9223372036854775807]}")
        == "10.5.0.2\n")
  }
}

extension ResourceValue {
  /// Lists in lists, `depth` deep.
  fileprivate static func nest(_ depth: Int, width: Int) -> ResourceValue {
    var value: ResourceValue = .list([])
    for _ in 0..<depth { value = .list(Array(repeating: value, count: width)) }
    return value
  }
}
