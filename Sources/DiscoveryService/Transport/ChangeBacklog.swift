import NIOCore

/// The changes of one cluster that some of its watchers haven't been sent yet: the newest state of each affiliate.
///
/// All watchers that are behind share it, each with the position up to which it has been told. So a slow watcher
/// costs a number, and all of them together at most one state for each affiliate that changed.
struct ChangeBacklog {
  private struct Entry {
    let position: UInt64
    let affiliate: OpaqueID
    /// Nil once a newer change of the affiliate stands further back.
    var message: EncodedMessage?
  }

  /// In the order of their positions.
  private var entries: [Entry] = []
  private var first = 0
  private var newest: [OpaqueID: Int] = [:]
  /// The furthest position that somebody who is behind has been told.
  private var furthest: UInt64 = 0
  /// The position of the last change.
  private(set) var end: UInt64 = 0
  /// Bytes of memory that it takes, about.
  private(set) var bytes = 0

  /// Affiliates in it.
  var count: Int { newest.count }

  /// Adds a change; says whether an older one of the same affiliate won't be sent to somebody.
  mutating func append(_ change: EncodedChange) -> Bool {
    let old = newest[change.affiliate]
    if let old, entries[old].position > furthest {
      // Nobody has been told of the older one: it keeps its place, so that who is behind gets to all of them.
      bytes += change.message.readableBytes - (entries[old].message?.readableBytes ?? 0)
      entries[old].message = change.message
      return true
    }
    if let old {
      bytes -= Self.cost(entries[old])
      entries[old].message = nil
    }
    end += 1
    let entry = Entry(position: end, affiliate: change.affiliate, message: change.message)
    newest[change.affiliate] = entries.count
    entries.append(entry)
    bytes += Self.cost(entry)
    if entries.count - first > 2 * newest.count + 64 { compact() }
    return old != nil
  }

  /// What comes after `position`, in one buffer: as much as `room` takes, or one message where that takes none.
  ///
  /// - Parameter book: Asked before such a message is handed over.
  /// - Returns: The bytes and the position that they reach.
  mutating func take(
    after position: UInt64, room: Int, _ book: (Int) -> Bool
  ) -> (bytes: ByteBuffer?, reached: UInt64) {
    var index = place(after: position)
    var reached = position
    var bytes: ByteBuffer?
    let limit = min(room, 65_536)
    while index < entries.count {
      let entry = entries[index]
      if let message = entry.message {
        let total = (bytes?.readableBytes ?? 0) + message.readableBytes
        if total > limit {
          guard bytes == nil, book(message.readableBytes) else { break }
          reached = entry.position
          bytes = message
          break
        }
        if bytes == nil { bytes = ByteBufferAllocator().buffer(capacity: min(limit, 4096)) }
        bytes?.writeImmutableBuffer(message)
      }
      reached = entry.position
      index += 1
    }
    furthest = max(furthest, reached)
    return (bytes, reached)
  }

  /// Lets go of what everybody has been told who is behind.
  mutating func drop(upTo position: UInt64) {
    let end = place(after: position)
    for index in first..<end where entries[index].message != nil {
      bytes -= Self.cost(entries[index])
      newest[entries[index].affiliate] = nil
      entries[index].message = nil
    }
    first = end
    if first > 64, first > entries.count / 2 { compact() }
  }

  /// Nobody is behind any more.
  mutating func clear() {
    entries = []
    first = 0
    newest = [:]
    furthest = 0
    bytes = 0
  }

  private mutating func compact() {
    entries = entries[first...].filter { $0.message != nil }
    first = 0
    for (index, entry) in entries.enumerated() { newest[entry.affiliate] = index }
  }

  private static func cost(_ entry: Entry) -> Int {
    160 + 2 * entry.affiliate.bytes.count + (entry.message?.readableBytes ?? 0)
  }

  /// The first index whose position is greater.
  private func place(after position: UInt64) -> Int {
    var low = first
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].position > position { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
