import ArgumentParser
import Glibc
import Synchronization

/// Attacks a discovery service in every way that is known, from one address, while an honest client of another one
/// makes its calls.
struct ServiceSoak: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak",
    abstract: "Attack a discovery service, and see whether honest clients are served and memory is bounded.")

  @Option(help: "The service's port.") var port = 3000
  @Option(help: "Its pages' port.") var pages = 3001
  @Option(help: "The service's process id.") var pid: Int
  @Option(help: "Seconds for each attack.") var seconds = 6
  @Option(help: "The longest wait of 99 in 100 honest requests, milliseconds.") var wait = 50.0
  @Option(help: "The most memory that the service may use, MiB.") var memory = 256
  @Option(help: "Only attacks with this in their names.") var only = ""

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    raiseDescriptors()
    var isGood = true
    print("attack, then: peak memory MiB, honest p99 ms, honest requests and failures, sent MiB, connections")
    for attack in SoakAttack.all where only.isEmpty || attack.name.contains(only) {
      if try !carryOut(attack) { isGood = false }
    }
    if !isGood { throw ExitCode(1) }
  }

  /// Says whether all bounds were kept.
  private func carryOut(_ attack: SoakAttack) throws -> Bool {
    let end = steadyNanoseconds() + Int64(seconds) * 1_000_000_000
    let port = attack.isForPages ? pages : port
    let figures = Mutex((sent: 0, opened: 0))
    let isOver = Atomic<Bool>(false)
    let thread = try Thread {
      let run = AttackRun(attack, host: "127.0.0.1", port: port, until: end)
      run.run()
      figures.withLock { $0 = (run.sentBytes, run.opened) }
      isOver.store(true, ordering: .releasing)
    }
    let honest = HonestClient(host: "127.0.0.1", port: self.port, pages: pages)
    honest.run(until: end)
    thread.join()
    guard let usage = ProcessUsage(pid) else {
      throw SystemError("the service is gone after: \(attack.name)", code: ESRCH)
    }
    let peak = usage.peakKilobytes / 1024
    let isGood = peak <= memory && honest.p99 <= wait && honest.failures.isEmpty && !honest.waits.isEmpty
    let (sent, opened) = figures.withLock { $0 }
    let wait = (honest.p99 * 10).rounded() / 10
    print(
      "\(isGood ? "good" : "BAD "): \(attack.name): \(peak), \(wait), \(honest.waits.count) and "
        + "\(honest.failures.count), \(sent >> 20), \(opened)\(honest.failures.first.map { " (\($0))" } ?? "")"
    )
    return isGood
  }

  private func raiseDescriptors() {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(resource, &limit)
  }
}

/// A thread that runs one closure.
private final class Thread {
  private final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  private var thread = pthread_t()

  init(_ body: @escaping () -> Void) throws {
    let work = Unmanaged.passRetained(Work(body))
    let code = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    if code != 0 {
      work.release()
      throw SystemError("a thread", code: code)
    }
  }

  func join() { pthread_join(thread, nil) }
}
