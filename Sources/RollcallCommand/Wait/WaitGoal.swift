import ClusterModel
import ClusterResources
import Platform

/// What is waited for, and how far it is.
struct WaitGoal: Sendable {
  /// How many members.
  enum Count: Hashable, Sendable {
    /// Every listed one, and one at the least.
    case all
    case atLeast(Int)
    case exactly(Int)

    /// The count written as `5` or `=5`.
    init(_ text: String) throws(ResourceError) {
      let isExact = text.hasPrefix("=")
      guard let count = Int(isExact ? text.dropFirst() : text[...]), (0...10_000_000).contains(count) else {
        throw ResourceError("'\(text)' isn't a count: write 5 for at least five, =5 for just five")
      }
      self = isExact ? .exactly(count) : .atLeast(count)
    }
  }

  enum Subject: Sendable {
    case members(Count, labels: LabelSelector?)
    case member(names: [String])
    /// Every enabled one where none is named.
    case registries(names: [String])
  }

  let subject: Subject
  /// What they shall be: any of these.
  let targets: [String]

  /// What a member may be waited to be.
  static let memberTargets = GetRequest.states + ["listed", "gone"]
  /// What a registry may be waited to be.
  static let registryTargets = ["synced", "degraded", "failed", "starting", "disabled"]

  /// How far it is.
  struct Progress: Hashable, Sendable {
    var isMet: Bool
    /// What is there and who is still waited for, a line each; at the end what was reached.
    var lines: [String]
    /// Why it isn't met, as the end of a sentence.
    var reason: String
  }

  private static let maximumNames = 5

  /// How far it is in a world of `members`, tombstones among them, and `registries`.
  func progress(_ members: [ResourceValue], _ registries: [ResourceValue], at now: Timestamp) -> Progress {
    switch subject {
    case .members(let count, let labels):
      progress(of: members.filter { Self.isOf($0, labels) }, count, registries)
    case .member(let names): progress(of: names, members, registries, now)
    case .registries(let names): progress(of: names, registries)
    }
  }

  private static func isOf(_ member: ResourceValue, _ labels: LabelSelector?) -> Bool {
    guard member.isListed else { return false }
    guard let labels else { return true }
    return labels.matches(SelectableFields(member, []))
  }

  // MARK: Members

  private func progress(
    of listed: [ResourceValue], _ count: Count, _ registries: [ResourceValue]
  ) -> Progress {
    let there = listed.filter { targets.contains(Self.state($0)) }
    let others = listed.filter { !targets.contains(Self.state($0)) }
    let words = targets.joined(separator: " or ")
    let wanted: Int
    let isMet: Bool
    switch count {
    case .all:
      wanted = max(1, listed.count)
      // Who isn't heard of yet would be waited for too.
      isMet = others.isEmpty && !listed.isEmpty && Self.areAllHeard(registries)
    case .atLeast(let number):
      wanted = number
      isMet = there.count >= number
    case .exactly(let number):
      wanted = number
      isMet = there.count == number
    }
    if isMet {
      let text = "\(there.count) member\(there.count == 1 ? " is" : "s are") \(words)"
      return Progress(isMet: true, lines: [text], reason: text)
    }
    var text = "\(there.count) of \(wanted) \(words)" + Self.names(there.map(Self.name))
    if there.count > wanted {
      text = "\(there.count) are \(words), \(there.count - wanted) more than waited for"
    } else if there.count < wanted {
      text += "; waiting for \(wanted - there.count)"
      let waiting = others.prefix(Self.maximumNames).map { "\(Self.name($0)) \(Self.state($0))" }
      let more = others.count > waiting.count ? ["…"] : []
      if !waiting.isEmpty { text += ": " + (waiting + more).joined(separator: ", ") }
    } else {
      let late = Self.unheard(registries)
      if !late.isEmpty { text += "; not heard yet: \(late.joined(separator: ", "))" }
    }
    return Progress(isMet: false, lines: [text], reason: text)
  }

  private func progress(
    of names: [String], _ members: [ResourceValue], _ registries: [ResourceValue], _ now: Timestamp
  ) -> Progress {
    let words = targets.joined(separator: " or ")
    var lines: [String] = []
    var reasons: [String] = []
    for name in names {
      let known = members.filter { Self.name($0) == name || $0.at("spec", "nodeId")?.text == name }
      let member = known.first { $0.isListed } ?? known.last
      guard !isMet(member, registries) else { continue }
      guard let member else {
        lines.append("\(name): unknown")
        reasons.append("\(name) is unknown")
        continue
      }
      let why = MemberNotes.why(member["status"]) ?? ""
      let since = member.at("status", "since")?.time
      lines.append(
        "\(name): \(Self.state(member))" + (since.map { " since \(ClockText.text($0, at: now))" } ?? "")
          + " (\(why))")
      let age = since.map { " \(AgeText.text(from: $0, to: now)) ago" } ?? ""
      reasons.append("\(name) is \(Self.state(member)) (\(why)\(age))")
    }
    guard lines.isEmpty else {
      return Progress(isMet: false, lines: lines, reason: reasons.joined(separator: ", "))
    }
    let text = "\(names.joined(separator: ", ")) \(names.count == 1 ? "is" : "are") \(words)"
    return Progress(isMet: true, lines: [text], reason: text)
  }

  private func isMet(_ member: ResourceValue?, _ registries: [ResourceValue]) -> Bool {
    targets.contains { target in
      switch target {
      case "listed": return member?.isListed ?? false
      case "gone":
        // Of whom nothing is known may still come where not everybody was heard.
        guard let member else { return Self.areAllHeard(registries) }
        return !member.isListed || ["left", "missing"].contains(Self.state(member))
      default:
        return member.map {
          $0.isListed || target == "left" || target == "missing" ? Self.state($0) == target : false
        } ?? false
      }
    }
  }

  // MARK: Registries

  private func progress(of names: [String], _ registries: [ResourceValue]) -> Progress {
    let words = targets.joined(separator: " or ")
    let enabled = registries.filter { Self.state($0) != "disabled" }.map(Self.name)
    let wanted = names.isEmpty ? enabled : names
    var lines: [String] = []
    var reasons: [String] = []
    for name in wanted {
      let registry = registries.first { Self.name($0) == name }
      let state = registry.map(Self.state) ?? "unknown"
      guard !targets.contains(state) else { continue }
      let message =
        state == "disabled"
        ? registry?.at("spec", "disabledReason")?.text : registry?.at("status", "lastError", "message")?.text
      let why = message.map { ": \($0)" } ?? ""
      lines.append("\(name): \(state)\(why)")
      reasons.append("\(name) is \(state)\(why)")
    }
    if wanted.isEmpty {
      return Progress(isMet: false, lines: ["no registry is enabled"], reason: "no registry is enabled")
    }
    guard lines.isEmpty else {
      return Progress(isMet: false, lines: lines, reason: reasons.joined(separator: ", "))
    }
    let text =
      wanted.count == 1 ? "\(wanted[0]) is \(words)" : "\(wanted.count) registries are \(words)"
    return Progress(isMet: true, lines: [text], reason: text)
  }

  /// The enabled registries that haven't said what they know.
  private static func unheard(_ registries: [ResourceValue]) -> [String] {
    registries.filter { ["starting", "failed"].contains(state($0)) }.map(name)
  }

  private static func areAllHeard(_ registries: [ResourceValue]) -> Bool { unheard(registries).isEmpty }

  private static func name(_ document: ResourceValue) -> String { document.at("metadata", "id")?.text ?? "" }
  private static func state(_ document: ResourceValue) -> String {
    document.at("status", "state")?.text ?? ""
  }

  private static func names(_ names: [String]) -> String {
    guard !names.isEmpty else { return "" }
    let more = names.count > maximumNames ? ", …" : ""
    return " (\(names.prefix(maximumNames).joined(separator: ", "))\(more))"
  }
}
