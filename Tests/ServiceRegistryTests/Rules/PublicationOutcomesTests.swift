import RegistryKit
import Synchronization
import Testing

@testable import ServiceRegistry

@Suite("The outcome of a publication")
struct PublicationOutcomesTests {
  private final class Log: Sendable {
    private let mutex = Mutex<[String]>([])
    var lines: [String] { mutex.withLock { $0 } }
    func add(_ revision: UInt64, _ error: RegistryError?) {
      mutex.withLock { $0.append("\(revision) \(error.map { "\($0.code): \($0)" } ?? "ok")") }
    }
  }

  private let log = Log()
  private let outcomes: PublicationOutcomes

  init() {
    let log = log
    outcomes = PublicationOutcomes(of: ["http://one", "http://two"]) { log.add($0, $1) }
  }

  private let no = EndpointStatus.failed(RegistryError(.failed, "no"))
  private let away = EndpointStatus.failed(RegistryError(.unavailable, "http://two is away"))

  @Test("is good once one service has it, whatever the others say, and is given once")
  func first() {
    outcomes.begin(1, withdraws: false)
    outcomes.update(no, of: 0, revision: 1)
    #expect(log.lines == [])
    outcomes.update(.accepted, of: 1, revision: 1)
    outcomes.update(.accepted, of: 0, revision: 1)
    outcomes.update(no, of: 0, revision: 1)
    #expect(log.lines == ["1 ok"])
  }

  @Test("is bad where no service takes it, names them all, and is given again when that changes")
  func failed() {
    outcomes.begin(1, withdraws: false)
    outcomes.update(no, of: 0, revision: 1)
    outcomes.update(away, of: 1, revision: 1)
    outcomes.update(away, of: 1, revision: 1)
    outcomes.update(.pending, of: 1, revision: 1)
    outcomes.update(away, of: 1, revision: 1)
    let failure = "1 failed: http://one: no; http://two is away"
    #expect(log.lines == [failure])
    outcomes.update(.accepted, of: 1, revision: 1)
    outcomes.update(away, of: 1, revision: 1)
    #expect(log.lines == [failure, "1 ok", failure])
  }

  @Test("of a withdrawal is good once no service has this node any more")
  func withdrawn() {
    outcomes.begin(1, withdraws: true)
    outcomes.update(.accepted, of: 0, revision: 1)
    #expect(log.lines == [])
    outcomes.update(.accepted, of: 1, revision: 1)
    #expect(log.lines == ["1 ok"])
  }

  @Test("of a withdrawal waits for those that can be reached, and names those that can't")
  func withdrawalUnreachable() {
    outcomes.begin(1, withdraws: true)
    outcomes.update(away, of: 1, revision: 1)
    #expect(log.lines == [])
    outcomes.update(.accepted, of: 0, revision: 1)
    #expect(log.lines == ["1 unavailable: http://two is away"])
    outcomes.update(.accepted, of: 1, revision: 1)
    #expect(log.lines.last == "1 ok")
  }

  @Test("is given again where it is asked for again")
  func again() {
    outcomes.begin(1, withdraws: false)
    outcomes.update(.accepted, of: 0, revision: 1)
    outcomes.begin(1, withdraws: false)
    outcomes.update(.accepted, of: 0, revision: 1)
    #expect(log.lines == ["1 ok", "1 ok"])
  }

  @Test("isn't that of an older publication")
  func older() {
    outcomes.begin(1, withdraws: false)
    outcomes.begin(2, withdraws: false)
    outcomes.update(.accepted, of: 0, revision: 1)
    #expect(log.lines == [])
  }
}
