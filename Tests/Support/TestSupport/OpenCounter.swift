import Foundation

/// Counts how often a file is opened, by anybody.
///
/// It is notified of closing too: the system makes one event of several that follow each other and are alike.
public final class OpenCounter {
  private let descriptor: Int32
  private var seen = 0

  public init(_ file: String) throws {
    descriptor = inotify_init1(Int32(IN_NONBLOCK))
    guard descriptor >= 0, inotify_add_watch(descriptor, file, UInt32(IN_OPEN | IN_CLOSE)) >= 0 else {
      throw CLibrary.Failure(description: "\(file) can't be watched")
    }
  }

  deinit { close(descriptor) }

  /// How often it was opened since this was made.
  public var count: Int {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let size = read(descriptor, &buffer, buffer.count)
      guard size > 0 else { return seen }
      var offset = 0
      while offset + 16 <= size {
        let (mask, nameLength) = buffer.withUnsafeBytes {
          (
            $0.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
            $0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
          )
        }
        if mask & UInt32(IN_OPEN) != 0 { seen += 1 }
        offset += 16 + Int(nameLength)
      }
    }
  }
}
