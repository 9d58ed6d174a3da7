import ArgumentParser
import ClusterResources
import Glibc
import Logging
import Platform
import PluginHost
import Rollcall
import StatusClient
import Synchronization

/// What a shell suggests for a word that somebody is typing: names that only a cluster, or an installation, knows.
///
/// Nothing is ever printed but suggestions, and whatever takes too long ends without any: a person is typing.
enum Suggestions {
  /// The types, then the ids of what there is of the type: for `get`.
  static let resources = CompletionKind.custom { words, index, _ in
    await suggest(words) { line in
      let before = line.positionals(before: index, after: "get")
      guard let first = before.first else { return ResourceType.all.map(\.plural) }
      return try await line.ids(of: try ResourceType.named(first))
    }
  }

  /// The members' names: for who is asked about a node.
  static let nodes = CompletionKind.custom { words, _, _ in
    await suggest(words) { try await $0.ids(of: .member) }
  }

  /// What `wait` waits for: `members`, `member` and names, `registries` and names.
  static let goals = CompletionKind.custom { words, index, _ in
    await suggest(words) { line in
      switch line.positionals(before: index, after: "wait").first {
      case nil: ["members", "member", "registries"]
      case "member": try await line.ids(of: .member)
      case "registries", "registry": try await line.ids(of: .registry)
      default: []
      }
    }
  }

  /// The registries' names.
  static let registries = CompletionKind.custom { words, _, _ in
    await suggest(words) { try await $0.ids(of: .registry) }
  }

  /// The plugins' names, or files where a path is being typed.
  static let plugins = CompletionKind.custom { words, _, prefix in
    await suggest(words) { line in
      if prefix.contains("/") { return files(prefix) }
      // Folders that a file names are looked into where a person named that file.
      let catalog =
        line.namesConfiguration
        ? try PluginFolders.catalog(line.configuration) : PluginCatalog(PluginSettings(), logger: .silent)
      let listings = try await catalog.all()
      return listings.compactMap { listing in
        if case .success(let plugin) = listing.result { plugin.descriptor.name } else { nil }
      }
    }
  }

  /// How long a running daemon may take, and then the registries: a person waits for it while typing.
  private static let patience = Duration.seconds(1)
  /// In seconds, after which the process ends in any case.
  private static let deadline: UInt32 = 4
  /// More than a person can look through.
  private static let maximum = 2000

  /// What `body` finds for the words of a command line; nothing where it can't.
  private static func suggest(
    _ words: [String], _ body: (CommandLineWords) async throws -> [String]
  ) async -> [String] {
    // What plugins and libraries would say belongs into nobody's half-typed line.
    let null = open("/dev/null", O_WRONLY)
    if null >= 0 { dup2(null, STDERR_FILENO) }
    signal(SIGALRM) { _ in _exit(0) }
    alarm(deadline)
    let found = (try? await body(CommandLineWords(words))) ?? []
    // Names come from a cluster: nothing in them may be more than text to a shell.
    return Array(found.lazy.filter(isPlain).sorted().prefix(maximum))
  }

  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-._/@+=".utf8.contains(byte)
        }
      }
  }

  /// The shared libraries, and the folders, whose paths begin with `prefix`.
  private static func files(_ prefix: String) -> [String] {
    let folder = prefix[...(prefix.lastIndex(of: "/") ?? prefix.startIndex)]
    guard let directory = opendir(String(folder)) else { return [] }
    defer { closedir(directory) }
    var paths: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard !name.hasPrefix(".") else { continue }
      if entry.pointee.d_type == DT_DIR { paths.append("\(folder)\(name)/") }
      if name.hasSuffix(".so") { paths.append("\(folder)\(name)") }
    }
    return paths
  }

  /// A command line that isn't complete yet.
  private struct CommandLineWords {
    private let words: [String]
    private(set) var configuration = ConfigurationOptions()
    private var socket = SocketOptions()

    init(_ words: [String]) {
      self.words = words
      configuration.config = value(["-c", "--config"])
      configuration.state = value(["--state"])
      socket.socket = value(["--socket"])
    }

    private func value(_ names: [String]) -> String? {
      for (index, word) in words.enumerated() {
        if names.contains(word), index + 1 < words.count { return words[index + 1] }
        for name in names where word.hasPrefix("\(name)=") { return String(word.dropFirst(name.count + 1)) }
      }
      return nil
    }

    /// The words between the verb `verb` and the place `index` that are no options; what follows an option that
    /// isn't written with "=" is taken as its value.
    func positionals(before index: Int, after verb: String) -> [String] {
      guard let start = words.firstIndex(of: verb) else { return [] }
      var found: [String] = []
      var isValue = false
      for word in words[(start + 1)...].prefix(max(0, index - start - 1)) {
        if word.hasPrefix("-") {
          isValue = !word.contains("=") && !Self.flags.contains(word)
        } else if isValue {
          isValue = false
        } else {
          found.append(word)
        }
      }
      return found
    }

    /// Options of the verbs with positional words that take no value.
    private static let flags: Set = [
      "-w", "--watch", "--watch-only", "--all", "--direct", "--partial-ok", "--no-headers", "--exit-code",
    ]

    /// Whether a person said which configuration is meant, by an option or by the environment.
    var namesConfiguration: Bool {
      configuration.config != nil || environment("ROLLCALL_CONFIG")?.isEmpty == false
    }

    /// The ids of what there is of `type`, as the running daemon says; where none runs, as the registries do whose
    /// configuration a person named. A file that merely lies in the folder may come from anywhere: registries of it are
    /// named, and not run by a key that is pressed.
    func ids(of type: ResourceType) async throws -> [String] {
      if configuration.config == nil, !SocketOptions.isNoneInEnvironment {
        let client = try socket.client(timeout: patience)
        do {
          let query = type == .member ? [("all", "true")] : []
          let items = try await client.list("/v1/\(type.plural)", query).items
          return Array(Set(items.compactMap { $0.at("metadata", "id")?.text }))
        } catch let error as StatusError where error.isWithoutDaemon && socket.chosen == nil {}
      }
      if type == .registry {
        let file = ConfigurationLookup.file(option: configuration.config)
        return try ConfigurationLookup.read(file).cluster.discovery.registries.map(\.name)
      }
      guard namesConfiguration else { return [] }
      let loaded = try await ConfigurationLookup.load(configuration)
      let session = try await ClusterSession(loaded)
      let ids = Mutex<[String]>([])
      try await session.run { aggregator in
        _ = await Sync.wait(for: aggregator, within: patience)
        let snapshot = aggregator.snapshot()
        ids.withLock { $0 = Self.ids(of: type, in: snapshot) }
      }
      return ids.withLock { $0 }
    }

    private static func ids(of type: ResourceType, in snapshot: ClusterSnapshot) -> [String] {
      switch type {
      case .member: snapshot.members.map(\.value.id)
      case .affiliate: snapshot.affiliates.map(\.value.nodeID.text)
      case .conflict: snapshot.conflicts.map { "\($0.value.key)" }
      default: []
      }
    }
  }
}
