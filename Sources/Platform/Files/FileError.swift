import ClusterModel
import SystemPackage

/// Why a file can't be read or written: names the file, what was tried and what would be right.
package struct FileError: Error, Hashable, Sendable {
  /// What went wrong.
  package enum Reason: Hashable, Sendable {
    /// What the system said: a number of `errno`.
    case system(Int32)
    /// Something else than what was asked for: "a folder", "a pipe".
    case notAFile(kind: String)
    /// It has more than `limit` bytes; `size` where that is known.
    case tooLarge(limit: Int, size: Int64?)
    case notUTF8
    /// It was written to each time it was read.
    case changing
    /// Its mode, the permission bits alone, lets others read it.
    case readableByOthers(mode: UInt32)
  }

  /// What was tried.
  package enum Action: String, Sendable {
    case read, written, made, removed, moved
  }

  /// The file as the caller named it.
  package let path: String
  package let action: Action
  package let reason: Reason

  package init(_ action: Action, _ path: String, _ reason: Reason) {
    self.path = path
    self.action = action
    self.reason = reason
  }

  init(_ action: Action, _ path: String, _ errno: Errno) { self.init(action, path, .system(errno.rawValue)) }

  /// Whether there is no such file.
  package var isMissing: Bool { isSystem(.noSuchFileOrDirectory) }

  /// Whether there is something already.
  package var alreadyExists: Bool { isSystem(.fileExists) }

  /// Whether this user may not do that.
  package var isForbidden: Bool { isSystem(.permissionDenied) || isSystem(.notPermitted) }

  private func isSystem(_ errno: Errno) -> Bool { reason == .system(errno.rawValue) }

  /// What is wrong, without the path: "there is no such file", "it has more than 4096 bytes".
  package var explanation: String {
    switch reason {
    case .system where isMissing && action == .read: "there is no such file"
    case .system where isForbidden && action == .read: "it may not be read by this user"
    case .system(let code): errnoText(code)
    case .notAFile(let kind): "it is \(kind), not a file"
    case .tooLarge(let limit, let size?): "it has \(size) bytes, more than the \(limit) that are read"
    case .tooLarge(let limit, nil): "it has more than \(limit) bytes"
    case .notUTF8: "it isn't UTF-8 text"
    case .changing: "it is being written to"
    case .readableByOthers(let mode): "others may read it \(Self.advice(mode))"
    }
  }

  private static func advice(_ mode: UInt32) -> String {
    "(mode \(String(mode, radix: 8))); set its mode to 600"
  }
}

extension FileError: CustomStringConvertible {
  /// One line for a person: `'/etc/x' can't be read: there is no such file`.
  package var description: String {
    let name = quoted(path, limit: 4096)
    if case .readableByOthers(let mode) = reason { return "others may read \(name) \(Self.advice(mode))" }
    return "\(name) can't be \(action): \(explanation)"
  }
}

/// What the system says of an error number, `errno`: "No such file or directory".
package func errnoText(_ code: Int32) -> String { Errno(rawValue: code).description }
