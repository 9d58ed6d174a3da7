import ClusterModel
import Glibc
import Platform
import RegistryKit

/// Finds the files of a path, and on the way every folder in which a change may matter.
///
/// The way is walked name by name, through symbolic links as the system would, so that each folder is
/// watched before what is in it is looked at: the one that holds the file, each that holds a link or a
/// folder on the way, and where something is missing the nearest folder that exists.
struct PathWalk {
  /// A file that was found.
  struct Match: Hashable, Sendable {
    /// The path as the person would write it, for messages.
    let shown: String
    /// The path without links.
    let path: String
  }

  /// Is given each name that matters within a folder, before the folder is looked at. Of a mere passage it
  /// only matters that the name isn't moved or removed.
  typealias Watch = (_ folder: String, _ name: PathPattern.Component, _ isPassage: Bool) -> Void

  /// A name that is still to be walked.
  private struct Step {
    let component: PathPattern.Component
    /// Whether a person wrote it, rather than a link.
    let isWritten: Bool
  }

  /// The files, in the order of their names.
  private(set) var matches: [Match] = []
  /// What kept the walk from looking everywhere.
  private(set) var errors: [RegistryError] = []

  private let pattern: PathPattern
  private let maximumMatches: Int
  private let watch: Watch
  private var links = 0
  private var depth = 0

  /// Walks `pattern` from `base`, an absolute path.
  init(
    _ pattern: PathPattern, base: String, maximumMatches: Int = FileLimits.files,
    watch: @escaping Watch
  ) {
    self.pattern = pattern
    self.maximumMatches = maximumMatches
    self.watch = watch
    var steps = pattern.components.map { Step(component: $0, isWritten: true) }
    if !pattern.isAbsolute { steps = Self.names(in: base) + steps }
    walk("/", steps[...], shown: pattern.isAbsolute ? "/" : "")
  }

  private static func names(in path: String) -> [Step] {
    path.split(separator: "/").filter { $0 != "." }.map {
      Step(component: PathPattern.Component(text: String($0), isPattern: false), isWritten: false)
    }
  }

  private mutating func walk(_ folder: String, _ steps: ArraySlice<Step>, shown: String) {
    guard let step = steps.first else { return }
    guard depth < FileLimits.pathNames else { return fail(folder, ENAMETOOLONG) }
    depth += 1
    defer { depth -= 1 }
    guard step.component.isPattern else {
      return look(at: step.component.text, in: folder, step, steps.dropFirst(), shown: shown)
    }
    watch(folder, step.component, false)
    for name in names(in: folder, matching: step.component) {
      guard matches.count < maximumMatches else {
        return fail(
          .limitExceeded,
          "\(quoted(pattern.text)) finds more than \(maximumMatches) files; the others aren't read")
      }
      links = 0
      look(at: name, in: folder, step, steps.dropFirst(), shown: shown)
    }
  }

  private mutating func look(
    at name: String, in folder: String, _ step: Step, _ rest: ArraySlice<Step>, shown: String
  ) {
    let shown = step.isWritten ? Self.join(shown, name) : shown
    if name == ".." { return walk(Self.parent(of: folder), rest, shown: shown) }
    resolve(name, in: folder, rest, shown: shown)
  }

  /// Goes on with what `name` is.
  private mutating func resolve(_ name: String, in folder: String, _ rest: ArraySlice<Step>, shown: String) {
    let path = Self.join(folder, name)
    let component = PathPattern.Component(text: name, isPattern: false)
    watch(folder, component, !rest.isEmpty)
    var status = stat()
    var code = lstat(path, &status) == 0 ? 0 : errno
    if code == ENOENT, !rest.isEmpty {
      watch(folder, component, false)
      // It may have come before the watch.
      code = lstat(path, &status) == 0 ? 0 : errno
    }
    guard code == 0 else {
      if code != ENOENT, code != ENOTDIR { fail(path, code) }
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFLNK:
      watch(folder, component, false)
      follow(name, in: folder, rest, shown: shown)
    case S_IFDIR where !rest.isEmpty: walk(path, rest, shown: shown)
    case S_IFDIR:
      if !pattern.isPattern { fail(.invalidArgument, "'\(path)' is a folder, not a file") }
    default:
      // A file where a folder is expected: the way ends here until that changes.
      if rest.isEmpty {
        matches.append(Match(shown: shown, path: path))
      } else {
        watch(folder, component, false)
      }
    }
  }

  /// Goes on where the link `name` leads.
  private mutating func follow(_ name: String, in folder: String, _ rest: ArraySlice<Step>, shown: String) {
    let path = Self.join(folder, name)
    links += 1
    guard links <= FileLimits.links else { return fail(path, ELOOP) }
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
    }
    guard count >= 0 else {
      // It was a link just now: look again at what it has become.
      return resolve(name, in: folder, rest, shown: shown)
    }
    let target = String(decoding: buffer.prefix(count), as: UTF8.self)
    let steps = Self.names(in: target) + rest
    guard !steps.isEmpty else { return fail(.invalidArgument, "'\(path)' leads to a folder, not to a file") }
    walk(target.hasPrefix("/") ? "/" : folder, steps[...], shown: shown)
  }

  /// The names in `folder` that `component` means, sorted byte by byte.
  private mutating func names(in folder: String, matching component: PathPattern.Component) -> [String] {
    guard let stream = opendir(folder) else {
      if errno != ENOENT, errno != ENOTDIR { fail(folder, errno) }
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    var seen = 0
    errno = 0
    while let entry = readdir(stream) {
      seen += 1
      guard seen <= FileLimits.folderEntries else {
        fail(
          .limitExceeded,
          "'\(folder)' has more than \(FileLimits.folderEntries) entries; use a folder of its own"
        )
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != "..", component.matches(name) { names.append(name) }
      errno = 0
    }
    if errno != 0 { fail(folder, errno) }
    return names.sorted()
  }

  private mutating func fail(_ path: String, _ code: Int32) {
    errors.append(RegistryError(FileError(.read, path, .system(code))))
  }

  private mutating func fail(_ code: RegistryError.Code, _ message: String) {
    errors.append(RegistryError(code, message))
  }

  private static func join(_ folder: String, _ name: String) -> String {
    folder.isEmpty || folder == "/" ? folder + name : folder + "/" + name
  }

  private static func parent(of folder: String) -> String {
    let names = folder.split(separator: "/").dropLast()
    return "/" + names.joined(separator: "/")
  }
}
