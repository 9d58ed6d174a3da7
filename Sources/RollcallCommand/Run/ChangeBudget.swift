import Platform

/// How much of what changes is logged: a person reads each change of a cluster that lives, and a peer that changes
/// something in a loop, or brings endless new nodes, doesn't fill the disk.
///
/// Each registry has a budget of its own, so that one that floods doesn't hide what others say. What is left out is
/// counted, and told. The resources, and what programs are told, have everything.
struct ChangeBudget {
  /// What a line is about.
  enum Kind: String, CaseIterable {
    case member, conflict, registry, affiliate

    /// A person writes about so many at once, and then a second.
    fileprivate var budget: LogBudget {
      switch self {
      case .member, .affiliate: LogBudget(burst: 5000, perSecond: 20)
      case .conflict: LogBudget(burst: 200, perSecond: 2)
      case .registry: LogBudget(burst: 200, perSecond: 2)
      }
    }
  }

  /// What is to become of a line.
  enum Outcome: Equatable {
    case logged
    /// It is left out, and from now on more are of the same thing: that is flapping.
    case firstLeftOut
    /// It is left out, as the thing is flapping.
    case leftOut
    /// It is left out, as too much is logged altogether.
    case overBudget
  }

  /// What was left out, and is to be told now.
  enum Notice: Equatable {
    /// Of one thing that is flapping and didn't change for a moment: the last of its lines is to be logged.
    case settled(Kind, String, lines: Int)
    /// A thing isn't flapping any more.
    case quiet(Kind, String)
    /// Of all of a kind together that one registry caused; empty where none did.
    case leftOut(Kind, registry: String, lines: Int)
  }

  private struct Source: Hashable {
    let kind: Kind
    let registry: String
  }

  private struct Subject: Hashable {
    let kind: Kind
    let name: String
  }

  private struct Flapping {
    var budget = LogBudget(burst: ChangeBudget.subjectBurst, perSecond: ChangeBudget.subjectRate)
    /// Lines that were left out since it began to flap.
    var leftOut = 0
    /// Lines that were left out since the last one that was logged.
    var untold = 0
    var lastAt: Duration
    var toldAt: Duration?

    /// Whether its last line is to be logged now: how it is must be known also where it flaps.
    func isSettled(at now: Duration) -> Bool {
      untold > 0 && now - lastAt >= ChangeBudget.settleTime
        && toldAt.map { now - $0 >= ChangeBudget.settleInterval } ?? true
    }
  }

  /// So many lines of one thing are logged at once: three times gone and back.
  static let subjectBurst = 6
  private static let subjectRate = 0.01
  /// What flaps is told as it is then when it didn't change for so long, but no more often than each interval.
  static let settleTime = Duration.seconds(5)
  static let settleInterval = Duration.seconds(60)
  /// So many things are told so at once.
  private static let maximumSettled = 100
  /// A thing of which lines are left out is logged again when it didn't change for so long.
  static let quietTime = Duration.seconds(600)
  /// Of so many things it is known how much was logged of each lately.
  static let maximumSubjects = 20_000

  private var sources: [Source: LogBudget] = [:]
  /// Lines that were left out before one that was logged, and weren't told yet.
  private var untold: [Source: Int] = [:]
  /// Before then it isn't looked again which things are quiet.
  private var nextSweep = Duration.zero
  private var subjects: [Subject: Flapping] = [:]

  /// Whether a line about the thing called `name` is logged.
  ///
  /// - Parameter registry: which one caused it; empty where that isn't known.
  mutating func take(_ kind: Kind, _ name: String, by registry: String, at now: Duration) -> Outcome {
    let subject = Subject(kind: kind, name: name)
    if subjects.count >= Self.maximumSubjects, now >= nextSweep, subjects[subject] == nil {
      forgetQuiet(at: now)
    }
    if subjects.count < Self.maximumSubjects || subjects[subject] != nil {
      var flapping = subjects[subject] ?? Flapping(lastAt: now)
      flapping.lastAt = now
      defer { subjects[subject] = flapping }
      if flapping.leftOut > 0 || !flapping.budget.take(at: now).isAllowed {
        flapping.leftOut += 1
        flapping.untold += 1
        return flapping.leftOut == 1 ? .firstLeftOut : .leftOut
      }
    }
    let source = Source(kind: kind, registry: registry)
    let (isAllowed, leftOut) = sources[source, default: kind.budget].take(at: now)
    if leftOut > 0 { untold[source, default: 0] += leftOut }
    return isAllowed ? .logged : .overBudget
  }

  /// Of how many things it is known how much was logged of each.
  var subjectCount: Int { subjects.count }

  /// What is to be told now of what was left out.
  mutating func notices(at now: Duration) -> [Notice] {
    var notices: [Notice] = []
    for source in sources.keys.sorted(by: {
      ($0.registry, $0.kind.rawValue) < ($1.registry, $1.kind.rawValue)
    }) {
      let lines = (sources[source]?.takeLeftOut() ?? 0) + (untold.removeValue(forKey: source) ?? 0)
      if lines > 0 { notices.append(.leftOut(source.kind, registry: source.registry, lines: lines)) }
    }
    // Registries come and go with the configuration.
    sources = sources.filter { !$0.value.isFull(at: now) }
    let settled = subjects.filter { $0.value.isSettled(at: now) }.sorted { $0.value.lastAt < $1.value.lastAt }
    for (subject, flapping) in settled.prefix(Self.maximumSettled) {
      notices.append(.settled(subject.kind, subject.name, lines: flapping.untold))
      subjects[subject]?.untold = 0
      subjects[subject]?.toldAt = now
    }
    let quiet = subjects.filter {
      $0.value.leftOut > 0 && $0.value.untold == 0 && now - $0.value.lastAt >= Self.quietTime
    }
    for subject in quiet.keys.sorted(by: { $0.name < $1.name }) {
      subjects[subject] = nil
      notices.append(.quiet(subject.kind, subject.name))
    }
    if subjects.count > 1000 { forgetQuiet(at: now) }
    return notices
  }

  private mutating func forgetQuiet(at now: Duration) {
    nextSweep = now + .seconds(10)
    subjects = subjects.filter { $0.value.leftOut > 0 || !$0.value.budget.isFull(at: now) }
  }
}
