public import ClusterModel
import Platform
public import Rollcall
public import Sealing

/// The file in which a daemon keeps what must survive a restart: readable by its owner alone, replaced as a whole or
/// not at all, versioned, and sealed with the cluster's secret where there is one.
///
/// One line says what it is, then comes the content: with a secret it is encrypted, so that who takes the disk learns
/// nothing of the cluster; without one its digest stands in the line. Either way a changed byte is noticed.
public struct StateFile: Sendable {
  /// What the file is called in its folder.
  public static let name = "state"
  /// The most bytes that are read: more than the largest cluster that a registry may have needs.
  static let maximumSize = 1 << 30

  private static let magic = "rollcall-state"
  private static let version = 1
  private static let purpose = "rollcall state file"

  /// Where it is.
  public let path: String
  private let key: ClusterKey?

  /// The file in the folder `folder`; `key` seals it.
  public init(folder: String, key: ClusterKey?) {
    path = FilePaths.resolve(Self.name, base: folder)
    self.key = key
  }

  /// Why a file can't be used, or written.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// One line that names the file and what is wrong.
    public let message: String
    /// Whether the file was set aside, as nothing can be made of it.
    public let isSetAside: Bool

    public var description: String { message }
  }

  // MARK: Reading

  /// What the file has; nil where there is none.
  ///
  /// One of which nothing can be made is set aside under another name, so that it isn't lost and isn't in the way.
  ///
  /// - Throws: ``Failure`` where it can't be read or was set aside.
  public func read(at now: Timestamp) throws(Failure) -> SavedState? {
    AtomicFile.removeLeftovers(of: path)
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try BoundedFile.read(path, limit: Self.maximumSize).bytes
    } catch {
      if error.isMissing { return nil }
      throw Failure(message: error.description, isSetAside: false)
    }
    let reason: String
    do throws(Unusable) {
      return try decode(bytes)
    } catch {
      reason = error.reason
    }
    throw setAside(reason, at: now)
  }

  /// Why nothing can be made of a file.
  private struct Unusable: Error { let reason: String }

  private func decode(_ bytes: [UInt8]) throws(Unusable) -> SavedState {
    guard let end = bytes.prefix(256).firstIndex(of: UInt8(ascii: "\n")) else {
      throw Unusable(reason: "it doesn't begin with a line that says what it is")
    }
    let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ").map(String.init)
    guard words.count == 4, words[0] == Self.magic, let version = Int(words[1]) else {
      throw Unusable(reason: "it doesn't begin with a line that says what it is")
    }
    guard version == Self.version else {
      throw Unusable(reason: "it is of version \(version), and this program knows version \(Self.version)")
    }
    let content = Array(bytes[(end + 1)...])
    let plain: [UInt8]
    switch words[2] {
    case "aes-256-gcm":
      guard let key else {
        throw Unusable(reason: "it is sealed with a cluster secret, and none is configured")
      }
      guard let opened = SealedBlob.open(content, for: Self.purpose, with: key) else {
        throw Unusable(reason: "it was sealed with another cluster secret, or has been changed since")
      }
      plain = opened
    case "sha-256":
      // What isn't sealed although it should be may be of anybody.
      guard key == nil else { throw Unusable(reason: "it isn't sealed, and a cluster secret is configured") }
      guard SealedBlob.digest(content).map(Self.hex) == words[3] else {
        throw Unusable(reason: "it has been changed or cut since it was written")
      }
      plain = content
    default: throw Unusable(reason: "it is sealed in a way that this program doesn't know")
    }
    do throws(TaggedReader.Malformed) {
      return try StateCoding.decode(plain)
    } catch {
      throw Unusable(reason: "\(error.what) in it is malformed")
    }
  }

  private func setAside(_ reason: String, at now: Timestamp) -> Failure {
    // Colons are separators in paths of some programs.
    let time = now.description.replacing(":", with: "")
    let name = "\(path).damaged-\(time)"
    do throws(FileError) {
      try AtomicFile.move(path, to: name)
      return Failure(
        message: "'\(path)' can't be used: \(reason); it is set aside as '\(name)'", isSetAside: true)
    } catch {
      return Failure(message: "'\(path)' can't be used: \(reason); \(error)", isSetAside: false)
    }
  }

  // MARK: Writing

  /// Puts `state` in the place of what the file has.
  public func write(_ state: SavedState) throws(Failure) { try write(plain: StateCoding.encode(state)) }

  /// The same, of what an aggregator knows now and how far readers got.
  public func write(_ capture: StateCapture, cursors: [String: UInt64]) throws(Failure) {
    try write(plain: StateCoding.encode(capture, cursors: cursors))
  }

  private func write(plain: [UInt8]) throws(Failure) {
    let content: [UInt8]
    let line: String
    if let key {
      guard let sealed = SealedBlob.seal(plain, for: Self.purpose, with: key) else {
        throw Failure(message: "'\(path)' can't be written: it can't be sealed", isSetAside: false)
      }
      content = sealed
      line = "\(Self.magic) \(Self.version) aes-256-gcm -\n"
    } else {
      guard let digest = SealedBlob.digest(plain) else {
        throw Failure(message: "'\(path)' can't be written: its digest can't be made", isSetAside: false)
      }
      content = plain
      line = "\(Self.magic) \(Self.version) sha-256 \(Self.hex(digest))\n"
    }
    do throws(FileError) {
      try AtomicFile.replace(path, with: Array(line.utf8) + content)
    } catch {
      throw Failure(message: error.description, isSetAside: false)
    }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0\(digits)" : digits
    }.joined()
  }
}
