import Foundation
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import StaticFileRegistry

@Suite struct PathTests {
  @Test(
    "a path that can't name files is refused with what would be right",
    arguments: [
      ("nodes/", "'nodes/' is a folder; write 'nodes/*.yaml' for the files in it"),
      ("a/**/b.yaml", "'a/**/b.yaml': '**' isn't a pattern here; write one '*' for each folder"),
      (".", "'.' is a folder, not a file"), ("", "'' isn't a path"), ("a\0b", "'a\\0b' isn't a path"),
    ])
  func refused(path: String, message: String) {
    #expect(throws: RegistryError(.invalidArgument, message)) { try PathPattern(path) }
  }

  @Test(
    "names match as in a shell",
    arguments: [
      ("*.yaml", "a.yaml", true), ("*.yaml", ".a.yaml", false), (".*.yaml", ".a.yaml", true),
      ("n?.json", "n1.json", true), ("n[12].json", "n3.json", false), ("n[!12].json", "n3.json", true),
      (#"a\*b*"#, "a*b", true), ("a.yaml", "a.yaml", true),
    ])
  func matching(pattern: String, name: String, isMatch: Bool) throws {
    #expect(try PathPattern(pattern).components[0].matches(name) == isMatch)
  }

  @Test("a walk finds the files in the order of their names and watches before it looks")
  func walk() throws {
    let folder = try TestFolder()
    try folder.makeFolder("b/x")
    try folder.makeFolder("a/x")
    try folder.makeFolder("c")
    for name in ["b/x/1.yaml", "a/x/2.yaml", "a/x/1.yaml", "c/x"] { try folder.write("", to: name) }
    var watched: [String] = []
    let walk = PathWalk(try PathPattern("./*/x/*.yaml"), base: folder.path) { place, name, isPassage in
      watched.append("\(place) \(name.text)\(isPassage ? " passage" : "")")
    }
    #expect(walk.matches.map(\.shown) == ["a/x/1.yaml", "a/x/2.yaml", "b/x/1.yaml"])
    #expect(walk.matches.map(\.path) == walk.matches.map { "\(folder.path)/\($0.shown)" })
    #expect(walk.errors == [])
    #expect(watched.first == "/ \(folder.path.split(separator: "/")[0]) passage")
    #expect(watched.contains("\(folder.path) *"))
    #expect(watched.contains("\(folder.path)/a x passage"))
    #expect(watched.contains("\(folder.path)/a/x *.yaml"))
    #expect(watched.contains("\(folder.path)/c x"))
  }

  @Test("a walk goes through links and .. as the system does")
  func links() throws {
    let folder = try TestFolder()
    try folder.makeFolder("real/deep")
    try folder.write("", to: "real/nodes.yaml")
    try folder.link("short", to: "real/deep")
    let walk = PathWalk(try PathPattern("short/../nodes.yaml"), base: folder.path) { _, _, _ in }
    #expect(
      walk.matches == [PathWalk.Match(shown: "short/../nodes.yaml", path: "\(folder.path)/real/nodes.yaml")])
  }

  @Test("a pattern that finds more files than are read says so")
  func tooMany() throws {
    let folder = try TestFolder()
    for number in 0..<5 { try folder.write("", to: "\(number).yaml") }
    let walk = PathWalk(try PathPattern("*.yaml"), base: folder.path, maximumMatches: 3) { _, _, _ in }
    #expect(walk.matches.map(\.shown) == ["0.yaml", "1.yaml", "2.yaml"])
    #expect(walk.errors.map(\.message) == ["'*.yaml' finds more than 3 files; the others aren't read"])
  }

  @Test("a way of too many names is an error, not walked")
  func tooDeep() throws {
    let folder = try TestFolder()
    let path = String(repeating: "x/../", count: 800) + "n.yaml"
    try folder.makeFolder("x")
    let walk = PathWalk(try PathPattern(path), base: folder.path) { _, _, _ in }
    #expect(walk.matches == [])
    #expect(walk.errors.count == 1)
    #expect(walk.errors[0].message.hasSuffix("can't be read: File name too long"))
  }

  @Test("a path to a folder is an error")
  func folderPath() throws {
    let folder = try TestFolder()
    try folder.makeFolder("nodes")
    let walk = PathWalk(try PathPattern("nodes"), base: folder.path) { _, _, _ in }
    #expect(walk.errors.map(\.message) == ["'\(folder.path)/nodes' is a folder, not a file"])
  }
}

@Suite struct OptionTests {
  @Test(
    "options that can't work are refused",
    arguments: [
      ("{}", "no file is named; write `path: nodes.yaml`, or `paths:` with several"),
      (
        #"{"path":"a","pollInterval":"soon"}"#,
        "option 'pollInterval': 'soon' isn't a duration such as 30s, 5m or 1h30m"
      ),
      (#"{"path":"a","pollInterval":"99ms"}"#, "option 'pollInterval' must be at least 100ms, not 99ms"),
      (#"{"path":"a","debounce":"1m"}"#, "option 'debounce' must be at most 10s, not 1m"),
      (#"{"paths":[]}"#, "option 'paths' must have at least 1 item, it has 0"),
      (#"{"pth":"a"}"#, "unknown key 'pth'; did you mean 'path'?"),
      (#"{"path":"nodes/"}"#, "'nodes/' is a folder; write 'nodes/*.yaml' for the files in it"),
    ])
  func refused(options: String, message: String) {
    #expect(throws: RegistryError(.invalidArgument, message)) {
      try StaticFileSettings(StaticFileOptions(json: options))
    }
  }

  @Test("a program's options are checked as a person's are")
  func program() {
    #expect(
      throws: RegistryError(.invalidArgument, "option 'debounce' must be at most 10s, not 1m")
    ) {
      try StaticFileSettings(
        StaticFileOptions {
          $0.path = "a"
          $0.debounce = .seconds(60)
        })
    }
  }

  @Test("the schema is one that a host takes, with the defaults")
  func schema() throws {
    let schema = try OptionsSchema(json: StaticFileOptions.schema)
    #expect(
      try schema.fillingDefaults(in: "{}") == #"{"format":"auto","pollInterval":"30s","debounce":"50ms"}"#)
  }
}

/// How often something was called.
private final class CallCounter: Sendable {
  private let value = Mutex(0)
  var count: Int { value.withLock { $0 } }
  func increment() { value.withLock { $0 += 1 } }
}

@Suite struct InotifyTests {
  @Test("events are distinguished by the folder and the name that matter")
  func events() {
    let calls = CallCounter()
    let watch = FolderWatch { calls.increment() }
    // Without an instance nothing is watched, so nothing matters but the loss of events.
    take(event(watch: 1, mask: UInt32(IN_CREATE), name: "a"), by: watch)
    #expect(calls.count == 0)
    take(event(watch: -1, mask: UInt32(IN_Q_OVERFLOW), name: ""), by: watch)
    #expect(calls.count == 1)
    take(
      event(watch: 1, mask: UInt32(IN_CREATE), name: "a")
        + event(watch: -1, mask: UInt32(IN_Q_OVERFLOW), name: ""),
      by: watch)
    #expect(calls.count == 2)
  }

  @Test("a buffer of events is read to its end, and a cut one is no harm")
  func buffer() {
    let bytes =
      event(watch: 7, mask: UInt32(IN_CREATE), name: "nodes.yaml")
      + event(watch: 8, mask: UInt32(IN_IGNORED), name: "")
    let events = bytes.withUnsafeBytes { Array(InotifyEvents(bytes: $0)) }
    #expect(
      events == [
        InotifyEvents.Event(watch: 7, mask: UInt32(IN_CREATE), name: "nodes.yaml"),
        InotifyEvents.Event(watch: 8, mask: UInt32(IN_IGNORED), name: ""),
      ])
    #expect(bytes.dropLast(20).withUnsafeBytes { Array(InotifyEvents(bytes: $0)) }.count == 0)
  }

  @Test("a folder that can't be watched is a gap")
  func gap() throws {
    let watch = FolderWatch(descriptor: -1) {}
    watch.begin()
    watch.add("/tmp", name: PathPattern.Component(text: "a", isPattern: false))
    #expect(watch.end() == "'/tmp' can't be watched (Bad file descriptor)")
    watch.begin()
    #expect(watch.end() == nil)
  }

  private func take(_ bytes: [UInt8], by watch: FolderWatch) {
    bytes.withUnsafeBytes { watch.take($0) }
  }

  private func event(watch: Int32, mask: UInt32, name: String) -> [UInt8] {
    var text = Array(name.utf8)
    if !text.isEmpty { text += [UInt8](repeating: 0, count: 16 - text.count % 16) }
    var bytes = withUnsafeBytes(of: watch) { Array($0) } + withUnsafeBytes(of: mask) { Array($0) }
    bytes += [UInt8](repeating: 0, count: 4) + withUnsafeBytes(of: UInt32(text.count)) { Array($0) } + text
    return bytes
  }
}
