import Dispatch
import Glibc
import Platform
import Synchronization

/// Hears from the system, by inotify, when names in folders change.
///
/// Folders are registered anew before each look at them (``begin()``, ``add(_:name:isPassage:)``, ``end()``), as a
/// path may lead to another folder than it did the last time; a folder that isn't needed any more is let
/// go. Where the system has no watches left nothing is heard, and ``end()`` says so. May be used from any
/// thread.
final class FolderWatch: Sendable {
  /// Why changes may go unheard, so that looking from time to time has to do.
  typealias Gap = String

  private let listener: InotifyListener
  /// What wakes the listener; nil where there is no inotify.
  private let source: Mutex<(any DispatchSourceRead)?>

  /// A watch that calls `onChange`, from any thread, when something may have changed.
  init(onChange: @escaping @Sendable () -> Void) {
    let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    guard descriptor >= 0 else {
      let reason = errnoText(errno)
      listener = InotifyListener(failure: "inotify isn't to be had (\(reason))", onChange: onChange)
      source = Mutex(nil)
      return
    }
    let listener = InotifyListener(descriptor: descriptor, onChange: onChange)
    let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
    source.setEventHandler { listener.receive() }
    // Only after the last event has been handled may the number be another file's.
    source.setCancelHandler { Glibc.close(descriptor) }
    source.activate()
    self.listener = listener
    self.source = Mutex(source)
  }

  /// A watch that hears nothing because of `failure`.
  init(failure: Gap) {
    listener = InotifyListener(failure: failure) {}
    source = Mutex(nil)
  }

  deinit { close() }

  /// Hears nothing any more.
  func close() {
    listener.close()
    source.withLock {
      $0?.cancel()
      $0 = nil
    }
  }

  /// Starts a look: folders that aren't added until ``end()`` are let go.
  func begin() { listener.begin() }

  /// Hears of changes of `name` in `folder` from now on; of a mere passage only when it is moved or removed.
  func add(_ folder: String, name: PathPattern.Component, isPassage: Bool = false) {
    listener.add(folder, name: name, isPassage: isPassage)
  }

  /// Ends a look.
  ///
  /// - Returns: why changes may go unheard; nil where all folders are watched.
  func end() -> Gap? { listener.end() }
}
