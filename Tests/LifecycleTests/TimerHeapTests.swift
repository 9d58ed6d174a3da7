import TestSupport
import Testing

@testable import Lifecycle

@Suite("Timers")
struct TimerHeapTests {
  @Test("the first one is the least of all that are set, however they are moved")
  func first() {
    var generator = SeededGenerator(seed: 7)
    var heap = TimerHeap<Int>()
    var known: [Int: Duration] = [:]
    for _ in 0..<20_000 {
      let key = Int.random(in: 0..<60, using: &generator)
      let deadline =
        Bool.random(using: &generator) ? nil : Duration.seconds(Int.random(in: 0..<500, using: &generator))
      heap.set(key, to: deadline)
      known[key] = deadline
      let least = known.min { ($0.value, $0.key) < ($1.value, $1.key) }
      #expect(heap.first?.key == least?.key)
      #expect(heap.first?.at == least?.value)
      #expect(heap.count == known.count)
    }
  }
}
