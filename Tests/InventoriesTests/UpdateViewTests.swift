import ClusterModel
import Documents
import RegistryKit
import Testing

@testable import Inventories

@Suite struct UpdateViewTests {
  private static func line(_ text: String) throws -> UpdateLine {
    try #require(try UpdateLine.read(text.utf8, name: "out"))
  }

  private static func described(_ updates: [RegistryUpdate]) -> [String] {
    updates.map { update in
      switch update {
      case .snapshot(let records, let source, _):
        "snapshot \(source.name)[\(records.map(\.affiliate.nodeID.text).joined(separator: ","))]"
      case .upsert(let record, let source): "upsert \(source.name)[\(record.affiliate.nodeID)]"
      case .remove(let id, let source, let reason): "remove \(source.name)[\(id)] \(reason)"
      case .sourceGone(let source): "gone \(source.name)"
      }
    }
  }

  @Test("each line gives what it changes, and what changes nothing gives nothing")
  func lines() throws {
    var view = UpdateView(localNodeID: try NodeIdentity("me"))
    let steps: [(String, [String])] = [
      (#"{"remove":"x"}"#, []),
      (#"{"snapshot":[{"nodeId":"a"},{"nodeId":"me"},{"id":"mine"}]}"#, ["snapshot [a,mine]"]),
      (#"{"snapshot":[{"nodeId":"a"},{"id":"mine"}]}"#, []), (#"{"upsert":{"nodeId":"a"}}"#, []),
      (#"{"upsert":{"nodeId":"a","hostname":"n"}}"#, ["upsert [a]"]), (#"{"upsert":{"nodeId":"me"}}"#, []),
      (#"{"remove":"a","reason":"expired"}"#, ["remove [a] expired"]), (#"{"remove":"a"}"#, []),
      (#"{"snapshot":[{"nodeId":"b"}],"source":"s"}"#, ["snapshot s[b]"]),
      (#"{"snapshot":[{"nodeId":"c/d"}]}"#, []), (#"{"snapshot":[]}"#, ["remove [mine] deleted"]),
    ]
    for (text, expected) in steps {
      #expect(Self.described(view.take(try Self.line(text))) == expected, "\(text)")
    }
    #expect(view.contentErrors == [])
  }

  @Test("what can't be used is told until a whole snapshot comes, and each thing once")
  func problems() throws {
    var view = UpdateView(localNodeID: nil)
    #expect(Self.described(view.take(try Self.line(#"{"snapshot":[{"nodeId":"a/b"}]}"#))) == [])
    #expect(!view.isSynced)
    for _ in 0..<3 { _ = view.take(try Self.line(#"{"news":1}"#)) }
    #expect(view.contentErrors.count == 2)
    for number in 0..<500 {
      view.take(YAMLError(file: "out", mark: YAMLMark(line: number + 1, column: 1), message: "x"))
    }
    #expect(view.contentErrors.count == 101)
    #expect(view.contentErrors.last?.message == "402 more problems")
    _ = view.take(try Self.line(#"{"snapshot":[]}"#))
    #expect(view.contentErrors == [] && view.isSynced)
  }

  @Test("a stream's own trouble lasts until it says otherwise, or gives a whole snapshot")
  func degraded() throws {
    var view = UpdateView(localNodeID: nil)
    for end in [#"{"degraded":null}"#, #"{"snapshot":[]}"#] {
      _ = view.take(try Self.line(#"{"degraded":"why"}"#))
      #expect(view.degradation?.message == "why")
      _ = view.take(try Self.line(end))
      #expect(view.degradation == nil)
    }
  }

  @Test("more sources than a registry may have are left out")
  func sources() throws {
    var view = UpdateView(localNodeID: nil)
    for number in 0..<70 {
      let updates = view.take(try Self.line(#"{"snapshot":[],"source":"s\#(number)"}"#))
      #expect(updates.isEmpty == (number >= 64))
    }
    #expect(view.contentErrors.last?.code == .limitExceeded)
  }

  @Test("lines are the same whatever pieces they come in", arguments: [1, 2, 3, 100])
  func splitting(size: Int) throws {
    var splitter = LineSplitter()
    var lines: [String] = []
    var rest = Array("a\r\n\nbc\nd".utf8)[...]
    while !rest.isEmpty {
      lines += try splitter.take(rest.prefix(size)).map {
        "\($0.number):\(String(decoding: $0.bytes, as: UTF8.self))"
      }
      rest = rest.dropFirst(size)
    }
    #expect(lines == ["1:a", "2:", "3:bc"])
    #expect(splitter.isWithinLine)
  }

  @Test("an endless line is refused")
  func endless() {
    var splitter = LineSplitter(maximum: 10)
    #expect(throws: LineSplitter.TooLong(number: 2, maximum: 10)) {
      _ = try splitter.take(Array("0123456789\n".utf8))
      _ = try splitter.take(Array("01234567890".utf8))
    }
  }
}
