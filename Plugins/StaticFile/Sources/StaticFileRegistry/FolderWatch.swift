import Dispatch
import Glibc
import Platform
import Synchronization

/// Learns from the system, by inotify, when names in folders change.
///
/// Folders are registered anew before each look at them (``begin()``, ``add(_:name:isPassage:)``, ``end()``),
/// as a path may lead to another folder than it did the last time; a folder that isn't needed any more is let
/// go. Where the system has no watches left nothing is noticed, and ``end()`` returns why. May be used from
/// any thread.
final class FolderWatch: Sendable {
  /// Why changes may go unnoticed, so that looking from time to time has to do.
  typealias Gap = String

  private struct Folder {
    var names: Set<String> = []
    var patterns: Set<PathPattern.Component> = []
    /// The look at which the folder was last needed.
    var look = 0

    func isInterested(in name: String) -> Bool {
      names.contains(name) || patterns.contains { $0.matches(name) }
    }
  }

  private struct State {
    /// The inotify instance; nil where there is none, or none any more.
    var descriptor: Int32?
    /// Ends the reading of events, and then the instance.
    var cancel: (@Sendable () -> Void)?
    var folders: [Int32: Folder] = [:]
    var look = 0
    /// The folders that were added in this look as more than a passage.
    var full: Set<String> = []
    /// What went wrong in this look.
    var gap: Gap?
    /// Why there is no instance.
    var failure: Gap?
  }

  private let state: Mutex<State>
  private let onChange: @Sendable () -> Void

  /// What matters: content is complete when its writer closes it; attributes show changed permissions.
  private static let mask =
    UInt32(IN_CLOSE_WRITE) | UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM)
    | UInt32(IN_MOVED_TO) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)
    | UInt32(IN_ONLYDIR)

  /// What matters of folders on the way: busy ones, such as `/tmp`, must not wake us for every file.
  private static let passageMask =
    UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_ONLYDIR)

  /// A watch that calls `onChange`, from any thread, when something may have changed.
  convenience init(onChange: @escaping @Sendable () -> Void) {
    let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    guard descriptor >= 0 else {
      self.init(failure: "inotify isn't to be had (\(errnoText(errno)))")
      return
    }
    self.init(descriptor: descriptor, onChange: onChange)
    // Sources may be used from any thread, which their type doesn't say.
    nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
    source.setEventHandler { [weak self] in self?.receive() }
    // Only after the last event has been handled may the number be another file's.
    source.setCancelHandler { Glibc.close(descriptor) }
    state.withLock { $0.cancel = { source.cancel() } }
    source.activate()
  }

  /// A watch by the inotify instance `descriptor`, whose events are given to ``take(_:)``; without one, a
  /// watch that notices nothing, because of `failure`.
  init(descriptor: Int32? = nil, failure: Gap? = nil, onChange: @escaping @Sendable () -> Void = {}) {
    state = Mutex(State(descriptor: descriptor, failure: failure))
    self.onChange = onChange
  }

  deinit { close() }

  /// Notices nothing any more.
  func close() {
    state.withLock { state in
      state.descriptor = nil
      state.folders = [:]
      state.cancel?()
      state.cancel = nil
    }
  }

  // MARK: What to watch

  /// Starts a look: folders that aren't added until ``end()`` are let go.
  func begin() {
    state.withLock {
      $0.look += 1
      $0.full = []
      $0.gap = $0.failure
    }
  }

  /// Notices changes of `name` in `folder` from now on; of a mere passage only when it is moved or removed.
  func add(_ folder: String, name: PathPattern.Component, isPassage: Bool = false) {
    state.withLock { state in
      guard let descriptor = state.descriptor else { return }
      // A folder of whose content something mattered in this look stays watched for all of it.
      let isFull = !isPassage || state.full.contains(folder)
      if isFull { state.full.insert(folder) }
      let watch = inotify_add_watch(descriptor, folder, isFull ? Self.mask : Self.passageMask)
      guard watch >= 0 else {
        let code = errno
        // Folders further up may be closed to us, and hardly ever change.
        if code == ENOENT || code == ENOTDIR || isPassage && code == EACCES { return }
        state.gap =
          code == ENOSPC
          ? "no inotify watch is left for '\(folder)' (fs.inotify.max_user_watches)"
          : "'\(folder)' can't be watched (\(errnoText(code)))"
        return
      }
      var entry = state.folders.removeValue(forKey: watch) ?? Folder()
      if entry.look != state.look { entry = Folder(look: state.look) }
      if name.isPattern { entry.patterns.insert(name) } else { entry.names.insert(name.text) }
      state.folders[watch] = entry
    }
  }

  /// Ends a look.
  ///
  /// - Returns: why changes may go unnoticed; nil where all folders are watched.
  func end() -> Gap? {
    state.withLock { state in
      for (watch, folder) in state.folders where folder.look != state.look {
        state.folders[watch] = nil
        if let descriptor = state.descriptor { inotify_rm_watch(descriptor, watch) }
      }
      return state.gap
    }
  }

  // MARK: Events

  /// Reads all events that there are.
  private func receive() {
    guard let descriptor = state.withLock({ $0.descriptor }) else { return }
    withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        take(UnsafeRawBufferPointer(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])))
      }
    }
  }

  /// Takes in events as they are read from an inotify instance.
  func take(_ bytes: UnsafeRawBufferPointer) {
    let isOfInterest = state.withLock { state in
      // All of them, as each may change the state.
      InotifyEvents(bytes: bytes).reduce(false) { Self.take($1, in: &state) || $0 }
    }
    if isOfInterest { onChange() }
  }

  /// Whether `event` may have changed what was found.
  private static func take(_ event: InotifyEvents.Event, in state: inout State) -> Bool {
    // Events that weren't kept may have been of anything.
    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
    guard let folder = state.folders[event.watch] else { return false }
    if event.mask & UInt32(IN_IGNORED) != 0 { state.folders[event.watch] = nil }
    return event.name.isEmpty || folder.isInterested(in: event.name)
  }
}

/// The events in a buffer that was read from an inotify instance.
struct InotifyEvents: Sequence, IteratorProtocol {
  struct Event: Hashable {
    let watch: Int32
    let mask: UInt32
    /// The name in the folder; empty for the folder itself.
    let name: String
  }

  private var rest: UnsafeRawBufferPointer

  init(bytes: UnsafeRawBufferPointer) { rest = bytes }

  mutating func next() -> Event? {
    let headSize = MemoryLayout<inotify_event>.size
    guard rest.count >= headSize else { return nil }
    let nameSize = Int(rest.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    guard rest.count >= headSize + nameSize else { return nil }
    let name = rest[headSize..<(headSize + nameSize)].prefix { $0 != 0 }
    let event = Event(
      watch: rest.loadUnaligned(as: Int32.self),
      mask: rest.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
      name: String(decoding: name, as: UTF8.self))
    rest = UnsafeRawBufferPointer(rebasing: rest[(headSize + nameSize)...])
    return event
  }
}
