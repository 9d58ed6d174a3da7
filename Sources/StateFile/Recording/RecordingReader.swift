import ClusterModel
package import Lifecycle
import Platform
package import Rollcall
import SystemPackage

/// Reads what a ``RecordingWriter`` wrote, change by change, so that it takes no more memory than its largest one. Used by one task.
/// Whatever the file holds, it ends in an error that says what is wrong with it, at worst.
package final class RecordingReader {
  /// Why a file can't be read as a recording.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// One line that names the file and what is wrong.
    package let description: String
  }

  /// What it began with.
  package let start: RecordingStart
  /// How many changes were read.
  package private(set) var commits: UInt64 = 0
  /// How it ended; nil until that was read.
  package private(set) var end: RecordingEnd?

  private let path: String
  private let input: RecordingInput
  private var chain: RecordingChain
  private var elapsed = Duration.zero

  /// The recording in the file at `path`; a pipe is read until its end.
  package init(_ path: String) throws(Failure) {
    let input: RecordingInput
    do throws(FileError) {
      input = try RecordingInput(path)
    } catch {
      throw Failure(description: error.description)
    }
    var chain = RecordingChain()
    let version = try Self.version(of: input, path)
    guard version == RecordingWriter.version else {
      throw Failure(
        description:
          "\(quoted(path)) is a recording of version \(version), and this program, \(RollcallVersion.current), knows version \(RecordingWriter.version)"
      )
    }
    guard let content = try Self.frame(input, &chain, path, after: 0) else {
      throw Self.cut(path, after: 0)
    }
    guard case .start(let start) = try Self.decode(content, path, after: 0) else {
      throw Failure(description: "\(quoted(path)) doesn't begin as a recording does")
    }
    (self.path, self.start, self.input, self.chain) = (path, start, input, chain)
  }

  /// The next change and its moment; nil at the end.
  ///
  /// - Throws: ``Failure``, where the file is cut or damaged there too; what was read before is good.
  package func next() throws(Failure) -> (input: TableInput, moment: Moment)? {
    if end != nil { return nil }
    guard let content = try Self.frame(input, &chain, path, after: commits) else {
      throw Self.cut(path, after: commits)
    }
    switch try Self.decode(content, path, after: commits) {
    case .start: throw Self.damaged(path, after: commits, "it begins twice")
    case .commit(let input, let moment):
      guard moment.elapsed >= elapsed else { throw Self.damaged(path, after: commits, "time goes backwards") }
      elapsed = moment.elapsed
      commits += 1
      return (input, moment)
    case .end(let end):
      guard end.commits == commits else {
        throw Self.damaged(path, after: commits, "it should have \(end.commits) of them")
      }
      guard try Self.bytes(1, of: input, path).isEmpty else {
        throw Self.damaged(path, after: commits, "something follows its end")
      }
      self.end = end
      return nil
    }
  }

  // MARK: Steps

  private static func version(of input: RecordingInput, _ path: String) throws(Failure) -> Int {
    var line: [UInt8] = []
    while line.count < 64, let byte = try bytes(1, of: input, path).first, byte != UInt8(ascii: "\n") {
      line.append(byte)
    }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2, words[0] == RecordingWriter.magic, words[1].allSatisfy(\.isNumber),
      let version = Int(words[1])
    else {
      throw Failure(
        description: "\(quoted(path)) isn't a recording: `rollcall record FILE` writes one")
    }
    return version
  }

  /// The content of the next frame; nil where the file ends before it.
  private static func frame(
    _ input: RecordingInput, _ chain: inout RecordingChain, _ path: String, after commits: UInt64
  ) throws(Failure) -> [UInt8]? {
    let head = try bytes(RecordingChain.headSize, of: input, path)
    guard !head.isEmpty else { return nil }
    guard head.count == RecordingChain.headSize else { throw cut(path, after: commits) }
    let length = RecordingChain.length(in: head[...])
    guard length <= RecordingChain.maximumLength else {
      throw damaged(path, after: commits, "a length can't be")
    }
    let content = try bytes(length, of: input, path)
    // Of one that was changed the length may say that more should come.
    guard content.count == length else { throw cut(path, after: commits) }
    guard chain.head(of: content) == head else {
      throw damaged(path, after: commits, "a byte isn't what was written")
    }
    return content
  }

  private static func bytes(
    _ count: Int, of input: RecordingInput, _ path: String
  ) throws(Failure) -> [UInt8] {
    do throws(FileError) {
      return try input.read(count)
    } catch {
      throw Failure(description: error.description)
    }
  }

  private static func decode(
    _ content: [UInt8], _ path: String, after commits: UInt64
  ) throws(Failure) -> RecordingCoding.Content {
    do throws(TaggedReader.Malformed) {
      return try RecordingCoding.decode(content)
    } catch {
      throw damaged(path, after: commits, error.sentence)
    }
  }

  private static func cut(_ path: String, after commits: UInt64) -> Failure {
    Failure(
      description:
        "\(quoted(path)) has no end: it was cut, or its recording ended early, after \(commits) changes")
  }

  private static func damaged(_ path: String, after commits: UInt64, _ why: String) -> Failure {
    Failure(description: "\(quoted(path)) is damaged after \(commits) changes: \(why)")
  }
}

/// A file that is read from its start to its end.
private final class RecordingInput {
  /// How much is read at once, and the most that is made room for before it is there.
  private static let chunk = 1 << 16

  private let path: String
  private let file: FileDescriptor
  private var buffer: [UInt8] = []
  private var position = 0

  init(_ path: String) throws(FileError) {
    self.path = path
    do {
      file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec])
    } catch {
      throw FileError(.read, path, .system((error as? Errno ?? .ioError).rawValue))
    }
  }

  deinit { try? file.close() }

  /// The next `count` bytes; fewer where the file ends.
  func read(_ count: Int) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      if position == buffer.count {
        try fill()
        if buffer.isEmpty { break }
      }
      let taken = min(count - bytes.count, buffer.count - position)
      bytes += buffer[position..<position + taken]
      position += taken
    }
    return bytes
  }

  private func fill() throws(FileError) {
    position = 0
    buffer = [UInt8](repeating: 0, count: Self.chunk)
    let count: Int
    do {
      count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
    } catch {
      buffer = []
      throw FileError(.read, path, .system((error as? Errno ?? .ioError).rawValue))
    }
    buffer.removeLast(buffer.count - count)
  }
}
