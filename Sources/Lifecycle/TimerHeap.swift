/// One deadline for each key, the earliest first and of those at one moment the lower key's: a binary heap that knows
/// where each key is, so that a deadline moves or ends in logarithmic time and none is left behind.
struct TimerHeap<Key: Hashable & Comparable & Sendable>: Sendable {
  private var items: [(key: Key, at: Duration)] = []
  private var positions: [Key: Int] = [:]

  var count: Int { items.count }

  /// The earliest deadline; nil where there is none.
  var first: (key: Key, at: Duration)? { items.first }

  /// Sets when `key` is due; nil: never.
  mutating func set(_ key: Key, to deadline: Duration?) {
    switch (positions[key], deadline) {
    case (nil, nil): return
    case (nil, let deadline?):
      positions[key] = items.count
      items.append((key, deadline))
      rise(items.count - 1)
    case (let position?, nil): remove(at: position)
    case (let position?, let deadline?):
      let before = items[position].at
      if deadline == before { return }
      items[position].at = deadline
      if deadline < before { rise(position) } else { sink(position) }
    }
  }

  /// Takes away the earliest deadline.
  mutating func removeFirst() { if !items.isEmpty { remove(at: 0) } }

  private mutating func remove(at position: Int) {
    let last = items.count - 1
    if position != last { swap(position, last) }
    positions[items.removeLast().key] = nil
    guard position < items.count else { return }
    rise(position)
    sink(position)
  }

  private mutating func rise(_ start: Int) {
    var position = start
    while position > 0 {
      let parent = (position - 1) / 2
      guard goes(position, before: parent) else { return }
      swap(position, parent)
      position = parent
    }
  }

  private mutating func sink(_ start: Int) {
    var position = start
    while true {
      var least = position
      for child in [2 * position + 1, 2 * position + 2]
      where child < items.count && goes(child, before: least) {
        least = child
      }
      if least == position { return }
      swap(position, least)
      position = least
    }
  }

  private func goes(_ left: Int, before right: Int) -> Bool {
    items[left].at != items[right].at ? items[left].at < items[right].at : items[left].key < items[right].key
  }

  private mutating func swap(_ left: Int, _ right: Int) {
    items.swapAt(left, right)
    positions[items[left].key] = left
    positions[items[right].key] = right
  }
}
