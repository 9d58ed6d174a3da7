import Testing

@testable import Platform

@Suite("How much may be logged")
struct LogBudgetTests {
  @Test("a burst of lines, then so many a second, and what was left out is counted once")
  func budget() {
    var budget = LogBudget()
    for _ in 0..<200 { #expect(budget.take(at: .zero) == (true, 0)) }
    for _ in 0..<7 { #expect(budget.take(at: .zero) == (false, 0)) }
    #expect(budget.take(at: .seconds(1)) == (true, 7))
    for _ in 1..<20 { #expect(budget.take(at: .seconds(1)) == (true, 0)) }
    #expect(budget.take(at: .seconds(1)).isAllowed == false)
    #expect(budget.takeLeftOut() == 1)
    #expect(budget.takeLeftOut() == 0)
    for _ in 0..<200 { #expect(budget.take(at: .seconds(86_400)).isAllowed) }
    #expect(budget.take(at: .seconds(86_400)).isAllowed == false, "more than a burst is never saved up")
  }
}
