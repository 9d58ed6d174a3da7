import ClusterModel
import Documents
import Glibc
import Inventories
import Platform
import RegistryKit

/// What one scan of all paths found.
struct Scan: Sendable {
  /// What a file turned out to be.
  enum Outcome: Sendable {
    /// It holds what it held, whether or not it was touched.
    case unchanged(FileMark)
    case read(Inventory, FileMark)
    /// It isn't of the form that it should have.
    case malformed(YAMLError, FileMark)
    case unreadable(RegistryError)
    /// It is being written to: scan again in a moment.
    case unsettled(RegistryError)
  }

  struct File: Sendable {
    /// The path as the person would write it: what the file is known by.
    let shown: String
    let outcome: Outcome
  }

  /// The files that were found, in the order of the paths and of their names.
  var files: [File] = []
  /// Paths that should be files and aren't there.
  var missing: [(shown: String, error: RegistryError)] = []
  /// What else kept files from being found.
  var errors: [RegistryError] = []
  /// Whether some folder couldn't be looked into, so that a file that wasn't found may still be there.
  var isPartial = false
  /// Why changes may go unnoticed; nil where all folders are watched.
  var gap: FolderWatch.Gap?
}

/// What a file was when it was last read: two that are equal held the same.
struct FileMark: Hashable, Sendable {
  var signature: FileSignature
  /// A hash of the bytes, good within this process.
  var digest: Int
  /// Whether the file was so young when it was read that an equal signature proves nothing.
  var isRecent: Bool
}

/// Scans all paths.
struct Scanner: Sendable {
  let paths: [PathPattern]
  /// What relative paths start from, an absolute path.
  let base: String
  let watch: FolderWatch
  var maximumBytes = InventoryLimits.bytes
  var format = InventoryFormat.auto
  let now: @Sendable () -> Timestamp

  /// Scans once. May block for as long as the file systems like.
  ///
  /// - Parameter known: what is known of files by the paths that they are shown under.
  func scan(known: [String: FileMark]) -> Scan {
    var scan = Scan()
    var seen: Set<String> = []
    watch.begin()
    for path in paths {
      let walk = PathWalk(path, base: base, maximumMatches: FileLimits.files - seen.count, watch: watch.add)
      scan.errors += walk.errors
      if !walk.errors.isEmpty { scan.isPartial = true }
      for match in walk.matches where seen.insert(match.shown).inserted {
        guard let outcome = outcome(of: match, known: known[match.shown]) else { continue }
        scan.files.append(Scan.File(shown: match.shown, outcome: outcome))
      }
      if !path.isPattern, walk.errors.isEmpty, walk.matches.isEmpty {
        scan.missing.append((path.shown, missing(path)))
      }
    }
    scan.gap = watch.end()
    return scan
  }

  private func missing(_ path: PathPattern) -> RegistryError {
    let full = path.isAbsolute ? "" : " in '\(base)'"
    return RegistryError(
      .unavailable, "there is no file '\(path.text)'\(full); it is read as soon as it is there")
  }

  private func outcome(of match: PathWalk.Match, known: FileMark?) -> Scan.Outcome? {
    if let known, !known.isRecent, (try? FileSignature(match.path)) == known.signature {
      return .unchanged(known)
    }
    let content: BoundedFile
    do throws(FileError) {
      content = try BoundedFile.read(match.path, limit: maximumBytes, asksForWriters: true)
    } catch {
      // It went since it was found.
      if error.isMissing || error.reason == .system(ENOTDIR) { return nil }
      let failure = RegistryError(error, named: "'\(match.shown)'")
      return error.reason == .changing ? .unsettled(failure) : .unreadable(failure)
    }
    let mark = FileMark(
      signature: content.signature, digest: Self.digest(of: content.bytes),
      isRecent: content.signature.isRecent(at: now()))
    if mark.digest == known?.digest { return .unchanged(mark) }
    guard isSettled(content) else {
      return .unsettled(
        RegistryError(
          .unavailable, "'\(match.shown)' is being written to; it is read when its writer has closed it"))
    }
    do throws(YAMLError) {
      return .read(try Inventory.read(content.bytes, name: match.shown, format: format), mark)
    } catch {
      return .malformed(error, mark)
    }
  }

  /// Whether what the file holds isn't half of what it is to be: nobody has it open for writing, or it hasn't changed
  /// for a while.
  private func isSettled(_ content: BoundedFile) -> Bool {
    let settleTime: Duration
    switch content.writers {
    case .none: return true
    case .some: settleTime = FileLimits.writerSettleTime
    case .unknown: settleTime = FileLimits.settleTime
    }
    return !content.signature.isRecent(at: now(), within: settleTime)
  }

  private static func digest(of bytes: [UInt8]) -> Int {
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
  }
}
