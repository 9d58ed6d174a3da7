/// What a member's document says of how it is, in a word or two.
public enum MemberText {
  /// The state and its flags: `notready,conflict`.
  public static func status(_ document: ResourceValue) -> String {
    guard let status = document["status"] else { return "" }
    let flags = status["flags"]?.items.compactMap(\.scalarText) ?? []
    return ([status["state"]?.scalarText ?? ""] + flags).joined(separator: ",")
  }

  /// Where the member has records: `service` fresh, `~service` stale, `-service` gone and last, `?service` not heard
  /// yet, `kubernetes!` says that it isn't ready.
  public static func sources(_ document: ResourceValue) -> String {
    guard let status = document["status"] else { return "" }
    var (there, gone): ([String], [String]) = ([], [])
    for source in status["sources"]?.items ?? [] {
      let name = source["registry"]?.scalarText ?? ""
      let mark = source["health"]?.text == "notready" ? "!" : ""
      switch source["presence"]?.text {
      case "gone": gone.append("-\(name)")
      case "stale": there.append("~\(name)\(mark)")
      case "unknown": there.append("?\(name)")
      default: there.append(name + mark)
      }
    }
    if status["reason"]?.text == "local", !there.contains("local") { there.insert("local", at: 0) }
    return (there + gone).joined(separator: ",")
  }
}

/// Identities as tables show them: their beginning tells them apart.
public enum ShortID {
  private static let length = 8

  /// The first characters of `id`, and an ellipsis where it goes on.
  public static func text(_ id: String) -> String {
    // Names are shown whole: only what has an identity's length is one.
    id.utf8.count < 40 || id.contains(".") ? id : id.prefix(length) + "…"
  }

  /// What a conflict is called, with the identity in it cut: `field/6EVq8RHI…/hostname`.
  public static func conflict(_ id: String) -> String {
    id.split(separator: "/", omittingEmptySubsequences: false).map { text(String($0)) }.joined(separator: "/")
  }
}
