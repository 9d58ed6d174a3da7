import Platform
import Synchronization

/// A value that was made from files, and is made anew when they change.
///
/// What goes wrong is thrown once; then it is tried again each time, as what is wrong may pass without another
/// change of the files: no descriptor was free, or the second file of a pair had not come yet.
final class ReloadedFiles<Value: Sendable>: Sendable {
  private struct State {
    var value: Value
    var signatures: [FileSignature]
    var problem: String?
  }

  private let state: Mutex<State>

  /// - Parameter load: Makes the value and says which files it was made from.
  init(_ load: () throws -> (Value, [FileSignature])) throws {
    let (value, signatures) = try load()
    state = Mutex(State(value: value, signatures: signatures))
  }

  var value: Value { state.withLock { $0.value } }

  /// Makes the value anew if the files at `paths` aren't those that it was made from; says whether it did. What goes
  /// wrong leaves the value as it was.
  func reload(ifChanged paths: [String], _ load: () throws -> (Value, [FileSignature])) throws -> Bool {
    do {
      let signatures = try paths.map { try FileSignature($0) }
      let isChanged = state.withLock { state in
        if state.signatures == signatures { state.problem = nil }
        return state.signatures != signatures
      }
      guard isChanged else { return false }
      let (value, loaded) = try load()
      state.withLock { $0 = State(value: value, signatures: loaded) }
      return true
    } catch {
      let isNew = state.withLock { state in
        defer { state.problem = "\(error)" }
        return state.problem != "\(error)"
      }
      if isNew { throw error }
      return false
    }
  }
}
