import ArgumentParser

/// A length of time on the command line: `500ms`, `10s`, `1m30s`, `2h`.
struct DurationOption: ExpressibleByArgument {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  init?(argument: String) {
    var total = Duration.zero
    var rest = Substring(argument)
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { ("0"..."9").contains($0) }
      guard digits.count <= 9, let number = Int64(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      switch unit {
      case "ms": total += .milliseconds(number)
      case "s": total += .seconds(number)
      case "m": total += .seconds(number * 60)
      case "h": total += .seconds(number * 3600)
      default: return nil
      }
      rest = rest.dropFirst(unit.count)
    }
    duration = total
  }

  var defaultValueDescription: String { "\(duration.components.seconds)s" }
}
