public import ClusterModel
import Platform

/// What other programs read lists of machines in.
public enum ExportFormat: String, Hashable, Sendable, CaseIterable {
  /// hosts(5): for resolvers, dnsmasq.
  case hosts
  /// RFC 4180: a table for spreadsheets and scripts.
  case csv
  /// What `ansible-inventory -i` asks a script for with `--list`.
  case ansible
  /// ssh_config(5).
  case sshConfig = "ssh-config"
  /// What Prometheus reads with `file_sd_configs` and `http_sd_configs`.
  case prometheus

  /// `rows` in this format.
  ///
  /// A pure function: the same rows give the same text, the header aside. Rows that aren't members are left out, but
  /// for members that are gone and missing, which stay Prometheus' targets. What else is left out is returned.
  ///
  /// - Parameter header: what is said of the list in a comment, where the format has any.
  public func export(
    _ rows: [ExportedMember], _ options: ExportOptions = ExportOptions(), header: ExportHeader? = nil
  ) -> Export {
    let selected = rows.filter { row in
      (options.states ?? defaultStates)?.contains(row.state) ?? true
        && (row.isListed || self == .prometheus && row.isTombstone && row.state == "missing")
    }
    var export: Export
    switch self {
    case .hosts: export = HostsExport.export(selected, options)
    case .csv: export = CSVExport.export(selected, options)
    case .ansible: export = AnsibleExport.export(selected, options)
    case .sshConfig: export = SSHConfigExport.export(selected, options)
    case .prometheus: export = PrometheusExport.export(selected, options)
    }
    if let header { export.header = comment(header, on: export) }
    return export
  }

  /// The whole text of `export`, which is of this format, with another header.
  public func text(_ export: Export, header: ExportHeader) -> String {
    comment(header, on: export) + export.body
  }

  private func comment(_ header: ExportHeader, on export: Export) -> String {
    hasComments ? header.comment(memberCount: export.memberCount) : ""
  }

  /// How many entries a text has that an earlier ``export(_:_:header:)`` in this format gave: what
  /// ``Export/entryCount`` was then. Of another text it is some number.
  public func entryCount(in text: String) -> Int {
    switch self {
    case .hosts: text.lines.count { !$0.hasPrefix("#") && !$0.trimmed.isEmpty }
    case .csv: CSVExport.entryCount(in: text)
    case .ansible: AnsibleExport.entryCount(in: text)
    case .sshConfig: text.lines.count { $0.hasPrefix("Host ") }
    case .prometheus: text.lines.count { $0.hasPrefix("{") }
    }
  }

  /// `text`, which this format's ``export(_:_:header:)`` gave, without its header: what is compared.
  public func body(of text: String) -> Substring {
    guard hasComments, text.hasPrefix(ExportHeader.prefix),
      let end = text.unicodeScalars.firstIndex(of: "\n")
    else { return text[...] }
    return text[text.unicodeScalars.index(after: end)...]
  }

  private var hasComments: Bool { self == .hosts || self == .sshConfig }

  /// The states that are in a list where nothing else is asked for; nil: all.
  private var defaultStates: Set<String>? {
    // A dead machine that leaves service discovery silences `up == 0`.
    self == .prometheus ? ["ready", "notready", "stale", "missing"] : nil
  }
}

/// What is asked of a list beside its format.
public struct ExportOptions: Hashable, Sendable {
  /// The port of targets, and of SSH; nil: none is written.
  public var port: UInt16?
  /// Only addresses of this family are taken; nil: of any.
  public var family: IPAddress.Family?
  /// Only addresses within one of these networks are taken; empty: all.
  public var networks: [IPPrefix]
  /// Labels that are copied: as a target's own labels (Prometheus), as groups (Ansible).
  public var labels: [String]
  /// The states of members that are in the list; nil: the format's default.
  public var states: Set<String>?

  /// These options; all of them may be left out.
  public init(
    port: UInt16? = nil, family: IPAddress.Family? = nil, networks: [IPPrefix] = [], labels: [String] = [],
    states: Set<String>? = nil
  ) {
    self.port = port
    self.family = family
    self.networks = networks
    self.labels = labels
    self.states = states
  }

  /// Those of a node's addresses that are taken, in their order.
  func addresses(of row: ExportedMember) -> [IPAddress] {
    row.addresses.filter { address in
      (family == nil || family == address.family)
        && (networks.isEmpty || networks.contains { $0.contains(address) })
    }
  }
}

/// What a list says of itself in a comment.
public struct ExportHeader: Hashable, Sendable {
  /// When the list was made.
  public var time: Timestamp
  /// Of which revision it is.
  public var revision: String

  static let prefix = "# rollcall "

  /// A list made at `time` of a revision.
  public init(time: Timestamp, revision: String) {
    self.time = time
    self.revision = revision
  }

  func comment(memberCount: Int) -> String {
    let members = memberCount == 1 ? "1 member" : "\(memberCount) members"
    return "\(Self.prefix)\(RollcallVersion.current), \(time), \(members), revision \(revision)\n"
  }
}

/// A list for another program.
public struct Export: Hashable, Sendable {
  /// A row, or a part of it, that isn't in the list.
  public struct Omission: Hashable, Sendable, CustomStringConvertible {
    /// The member's name, as it is: it may be anything.
    public let member: String
    /// What isn't there and why, in one line.
    public let why: String

    public var description: String { "\(quoted(member)) \(why)" }
  }

  /// The comment at the top, with its line end; empty for none.
  public internal(set) var header = ""
  /// All but the header.
  public internal(set) var body = ""
  /// How many lines, hosts or targets are in it.
  public internal(set) var entryCount = 0
  /// How many members are in it.
  public internal(set) var memberCount = 0
  /// What was left out though it was asked for, in the order of the rows.
  public internal(set) var omissions: [Omission] = []

  /// The whole list.
  public var text: String { header + body }

  mutating func omit(_ row: ExportedMember, _ why: String) {
    omissions.append(Omission(member: row.id, why: why))
  }
}

extension LabelSelector {
  /// Whether a node with these labels is selected.
  public func matches(_ labels: NodeLabels) -> Bool {
    matches(SelectableFields(["metadata": ["labels": .labels(labels)]], []))
  }
}
