import ArgumentParser
import ClusterModel
import ClusterResources
import Platform
import StatusClient

/// `rollcall wait`
struct WaitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait until members or registries are as they shall be.",
    discussion: """
      Waits for what doesn't exist yet too, for a daemon that isn't up yet, and through a restart of it. What is so \
      already is success. Ends with 4 when the time is over. While it waits it says on the standard error at each \
      change what it still waits for.

        rollcall wait members --count 5 --stable 10s
        rollcall wait members -l rack=r1 --status ready,notready
        rollcall wait member w-3 --for ready --timeout 5m
        rollcall wait member w-9 --for gone
        rollcall wait registries --for synced
      """)

  @Argument(help: "members; member NAME...; registries [NAME...].", completion: Suggestions.goals)
  var subject: [String] = []

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "What they shall be, any of: \(WaitGoal.memberTargets.joined(separator: ", ")); of registries: \(WaitGoal.registryTargets.joined(separator: ", ")).",
      valueName: "states"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "How many members: 5 for at least five, =5 for just five; without it all.", valueName: "count"))
  var count: String?

  @Option(
    help: ArgumentHelp(
      "What the members shall be, any of: \(GetRequest.states.joined(separator: ", ")).", valueName: "states")
  )
  var status: String?

  @Option(
    name: [.customShort("l", allowingJoined: true), .customLong("selector")],
    help: ArgumentHelp(
      "The members with these labels, as in Kubernetes: rack=r1,env!=dev.", valueName: "labels"))
  var labelSelector: String?

  @Option(
    help: ArgumentHelp("For how long it must be so without a break.", valueName: "duration"),
    transform: DurationOption.parse)
  var stable = DurationOption(.zero)

  @Option(
    help: ArgumentHelp("When to give up; 0 asks once.", valueName: "duration"),
    transform: DurationOption.parse)
  var timeout = DurationOption(.seconds(30))

  @OptionGroup var daemon: SocketOptions

  func run() async throws {
    let goal: WaitGoal
    do throws(ResourceError) { goal = try self.goal() } catch { throw CommandError.usage(error.message) }
    if stable.duration > timeout.duration {
      throw CommandError.usage(
        "--stable \(stable) is longer than --timeout \(timeout): it could never come true")
    }
    let waiting = Waiting(
      for: goal, client: try daemon.client(), stable: stable.duration, timeout: timeout.duration,
      time: TimeSource()
    ) { Terminal.note($0) }
    let end: Waiting.End
    do { end = try await waiting.run() } catch let error as StatusError { throw error.commandError }
    switch end {
    case .met(let text, let duration):
      try Terminal.write("\("\(text) after \(Self.text(of: duration))".shown)\n")
    case .late(let reason):
      throw CommandError(lines: ["gave up after \(timeout): \(reason)"], exitCode: CommandError.late)
    case .unheard(let reason): throw CommandError("gave up after \(timeout): \(reason)")
    }
  }

  /// Whole seconds, as for an age.
  private static func text(of duration: Duration) -> String {
    AgeText.text(seconds: duration.components.seconds)
  }

  private func goal() throws(ResourceError) -> WaitGoal {
    guard let first = subject.first else {
      throw ResourceError("what is waited for? members, member NAME or registries")
    }
    let (type, ids) = try GetRequest.subject(subject)
    switch type {
    case .member where !ids.isEmpty:
      try refuse(count != nil, "--count", "members, not for one that is named")
      try refuse(status != nil, "--status", "members; for one that is named write --for")
      try refuse(labelSelector != nil, "-l", "members, not for one that is named")
      return WaitGoal(
        subject: .member(names: ids),
        targets: try targets(target ?? "ready", "--for", WaitGoal.memberTargets))
    case .member:
      guard first.lowercased() != "member" else {
        throw ResourceError("the member's name is missing: wait member w-3, or wait members for all")
      }
      try refuse(target != nil, "--for", "members that are named; for all write --status")
      let count: WaitGoal.Count =
        try self.count.map { text throws(ResourceError) in try WaitGoal.Count(text) } ?? .all
      let labels = try labelSelector.map { text throws(ResourceError) in try LabelSelector(text) }
      return WaitGoal(
        subject: .members(count, labels: labels),
        targets: try targets(status ?? "ready", "--status", GetRequest.states))
    case .registry:
      try refuse(count != nil, "--count", "members")
      try refuse(status != nil, "--status", "members; for registries write --for")
      try refuse(labelSelector != nil, "-l", "members")
      return WaitGoal(
        subject: .registries(names: ids),
        targets: try targets(target ?? "synced", "--for", WaitGoal.registryTargets))
    default:
      throw ResourceError("\(type.plural) can't be waited for: members, member NAME and registries can")
    }
  }

  private func refuse(_ isGiven: Bool, _ option: String, _ whose: String) throws(ResourceError) {
    if isGiven { throw ResourceError("\(option) is for \(whose)") }
  }

  private func targets(
    _ text: String, _ option: String, _ known: [String]
  ) throws(ResourceError) -> [String] {
    let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for word in words where !known.contains(word) {
      let advice = didYouMean(word, among: known).map { ": \($0)" } ?? ""
      throw ResourceError(
        "\(option): there is no '\(word)'\(advice) (there are \(known.joined(separator: ", ")))")
    }
    return words
  }
}
