package import ClusterModel
package import Lifecycle
package import Platform
package import Rollcall
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a recording begins with.
package struct RecordingStart: Hashable, Sendable {
  /// What the table keeps of what is over.
  package var history: HistoryRetention
  /// When it began.
  package var time: Timestamp
  /// The version of the program that made it.
  package var program: String

  /// A recording that begins at `time`.
  package init(history: HistoryRetention, time: Timestamp, program: String = RollcallVersion.current) {
    self.history = history
    self.time = time
    self.program = program
  }
}

/// How a recording ended.
package struct RecordingEnd: Hashable, Sendable {
  /// How many changes are in it.
  package var commits: UInt64
  /// Whether more happened than it may have.
  package var isFull: Bool
}

/// Writes a recording: all that changes a table, in order, each with its moment, to a new file that its owner alone may
/// read. It holds what registries say of nodes and what is wrong with them, and no option or secret of theirs.
///
/// The file is a line that says what it is, then frames: the length of their content as four bytes, eight bytes of a
/// digest of it and of all before it, the content. So a changed byte is noticed, a frame that is missing, and an end
/// that is.
package final class RecordingWriter: Sendable {
  private struct State {
    var chain = RecordingChain()
    var size = 0
    var commits: UInt64 = 0
    /// Whether nothing more is taken.
    var isOver = false
    var isFull = false
    var failure: FileError?
  }

  static let magic = "rollcall-recording"
  static let version = 1
  /// What is kept free for the last frame.
  private static let endSize = 64

  package let path: String
  private let file: FileDescriptor
  private let limit: Int
  private let state: Mutex<State>
  private let ended: AsyncStream<Void>
  private let ends: AsyncStream<Void>.Continuation

  /// Begins a recording in a new file at `path`.
  ///
  /// - Parameter limit: the most bytes that it may have.
  /// - Throws: where there is something at the path already, or it can't be written.
  package init(_ path: String, limit: Int, _ start: RecordingStart) throws(FileError) {
    self.path = path
    self.limit = limit
    do {
      file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
        permissions: .ownerReadWrite)
    } catch {
      throw FileError(.made, path, .system((error as? Errno ?? .ioError).rawValue))
    }
    (ended, ends) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    state = Mutex(State())
    let bytes = Array("\(Self.magic) \(Self.version)\n".utf8)
    let failure = state.withLock { state in
      write(bytes, to: &state)
      append(RecordingCoding.encode(start), to: &state)
      return state.failure
    }
    if let failure { throw failure }
  }

  deinit { try? file.close() }

  /// Adds what a table was changed by. Where that is more than the file may have, or can't be written, the recording is
  /// over.
  package func take(_ input: TableInput, at moment: Moment) {
    state.withLock { state in
      guard !state.isOver else { return }
      let content = RecordingCoding.encode(input, at: moment)
      guard state.size + content.count + RecordingChain.headSize + Self.endSize <= limit else {
        state.isFull = true
        return end(&state)
      }
      append(content, to: &state)
      if state.failure == nil { state.commits += 1 } else { end(&state) }
    }
  }

  /// Waits until the recording is full or can't be written, or the task is cancelled.
  package func waitUntilOver() async {
    for await _ in ended { return }
  }

  /// Writes the end.
  ///
  /// - Returns: how it ended, and how many bytes the file has.
  /// - Throws: why it couldn't be written; what is in the file until then is good.
  package func finish() throws(FileError) -> (end: RecordingEnd, size: Int) {
    let (end, size, failure) = state.withLock { state in
      let end = RecordingEnd(commits: state.commits, isFull: state.isFull)
      if state.failure == nil { append(RecordingCoding.encode(end), to: &state) }
      state.isOver = true
      return (end, state.size, state.failure)
    }
    if let failure { throw failure }
    guard fsync(file.rawValue) == 0 else { throw FileError(.written, path, .system(errno)) }
    return (end, size)
  }

  /// Takes nothing more, and removes the file.
  package func discard() {
    state.withLock { $0.isOver = true }
    unlink(path)
  }

  private func end(_ state: inout State) {
    state.isOver = true
    ends.yield()
  }

  private func append(_ content: [UInt8], to state: inout State) {
    guard let head = state.chain.head(of: content) else {
      state.failure = FileError(.written, path, .system(EIO))
      return
    }
    write(head + content, to: &state)
  }

  private func write(_ bytes: [UInt8], to state: inout State) {
    do {
      try file.writeAll(bytes)
      state.size += bytes.count
    } catch {
      state.failure = FileError(.written, path, .system((error as? Errno ?? .ioError).rawValue))
    }
  }
}
