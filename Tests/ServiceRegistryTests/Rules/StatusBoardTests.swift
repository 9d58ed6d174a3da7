import RegistryKit
import Testing

@testable import ServiceRegistry

@Suite("The status of several services")
struct StatusBoardTests {
  let recorder = Recorder()

  @Test("names all that is wrong, and is well when nothing is")
  func joined() throws {
    let board = StatusBoard(updates: recorder.updates)
    try board.set(nil, .connection, of: 0)
    #expect(recorder.state.statuses.isEmpty)
    try board.set(RegistryError(.failed, "items"), .items, of: 0)
    try board.set(RegistryError(.unavailable, "b is away"), .connection, of: 1)
    try board.set(RegistryError(.deadlineExceeded, "a is away"), .connection, of: 0)
    #expect(recorder.status == "a is away; items; b is away")
    #expect(recorder.state.status?.code == .deadlineExceeded)
    try board.set(nil, .connection, of: 0)
    try board.set(nil, .connection, of: 1)
    try board.set(nil, .items, of: 0)
    #expect(recorder.state.status == nil)
    #expect(recorder.state.statuses.count == 6)
  }

  @Test("is told when each of them has been heard or has failed, and from then on at once")
  func waits() throws {
    let recorder = Recorder()
    let board = StatusBoard(updates: recorder.updates, count: 3)
    try board.set(RegistryError(.unavailable, "one is away"), .connection, of: 0)
    try board.set(RegistryError(.failed, "two takes nothing"), .publication, of: 1)
    try board.set(nil, .connection, of: 1)
    #expect(recorder.state.statuses.isEmpty)
    try board.set(nil, .connection, of: 2)
    #expect(recorder.status == "one is away; two takes nothing")
    try board.set(nil, .publication, of: 1)
    #expect(recorder.status == "one is away")
    try board.set(nil, .connection, of: 0)
    #expect(recorder.state.status == nil && recorder.state.statuses.count == 3)
  }

  @Test("isn't told again unchanged, and is never long")
  func bounded() throws {
    let board = StatusBoard(updates: recorder.updates)
    for _ in 0..<3 {
      try board.set(RegistryError(.failed, String(repeating: "x", count: 5000)), .items, of: 0)
    }
    #expect(recorder.state.statuses.count == 1)
    #expect(recorder.status.count == 1025)
  }
}
