import Foundation
import TestSupport
import Testing

/// Hostile plugins, each in a process of its own, beside registries that go on.
@Suite("Isolated plugins", .timeLimit(.minutes(5))) struct IsolationTests {
  /// What a plugin does to its process, and what is told of it.
  struct Deed: Sendable {
    let name: String
    /// 0 when it is loaded, 1 in create, 2 in start, 3 after its snapshot, 4 in stop.
    let moment: Int
    let code: String
    /// Nil where it disturbs nobody, or only its own end.
    let cause: String?

    init(_ name: String, at moment: Int, _ code: String, _ cause: String?) {
      self.name = name
      self.moment = moment
      self.code = code
      self.cause = cause
    }
  }

  static let deeds = [
    Deed("exit", at: 3, "exit(3)", "ended with exit code 3"),
    Deed("exit-in-create", at: 1, "exit(0)", "ended with exit code 0"),
    Deed("exit-in-start", at: 2, "_exit(9)", "ended with exit code 9"),
    Deed("abort", at: 3, "abort()", "was ended by signal 6 (abort)"),
    Deed("abort-when-loaded", at: 0, "abort()", "was ended by signal 6 (abort)"),
    Deed("segv", at: 3, "*(volatile int *)0 = 1", "was ended by signal 11 (segmentation fault)"),
    Deed("segv-in-create", at: 1, "*(volatile int *)0 = 1", "was ended by signal 11 (segmentation fault)"),
    Deed("kill", at: 3, "kill(getpid(), SIGKILL)", "was ended by signal 9 (killed)"),
    Deed(
      "leak", at: 3, "void *volatile p; do p = malloc(64 << 20); while (p); abort()",
      "was ended by signal 6 (abort)"),
    Deed("close", at: 3, "for (int f = 0; f < 4096; f++) close(f)", "the process of plugin 'close-"),
    Deed("eat-descriptors", at: 3, "while (dup(0) >= 0)", nil),
    Deed("print", at: 3, #"puts("{\"snapshot\":[]}"); fflush(stdout)"#, nil),
    Deed("fork", at: 3, "if (fork() == 0) for (;;) pause()", nil),
    Deed("freeze", at: 3, "raise(SIGSTOP)", nil),
    Deed(
      "block-signals", at: 3,
      "sigset_t all; sigfillset(&all); pthread_sigmask(SIG_BLOCK, &all, NULL);"
        + " for (int s = 1; s < 32; s++) signal(s, SIG_IGN)", nil),
    Deed("hang-in-stop", at: 4, "for (;;) pause()", nil),
  ]

  /// Puts the plugin that does `deed` into `folder`, and returns what it is called.
  private func put(_ deed: Deed, _ suffix: String, in folder: TemporaryFolder) async throws -> String {
    let name = "\(deed.name)-\(suffix)"
    let library = try await CLibrary.build(
      "Tests/HostilePlugins/dies.c",
      flags: [#"-DNAME="\#(name)""#, "-DMOMENT=\(deed.moment)", "-DDEED=\(deed.code)"])
    try FileManager.default.copyItem(atPath: library, toPath: folder.path("plugins/librollcall-\(name).so"))
    return name
  }

  /// The command lines of all processes in which `text` is.
  private func processes(with text: String) -> [String] {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return numbers.filter { $0.first?.isNumber == true }.compactMap { number in
      guard let data = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return nil }
      let line = String(decoding: data, as: UTF8.self).replacing("\0", with: " ")
      return line.contains(text) ? line : nil
    }
  }

  @Test("whatever isolated plugins do, the other registries go on, and theirs are told with the cause")
  func deeds() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "plugins/none")
    let suffix = String(UUID().uuidString.lowercased().prefix(8))
    var registries = ""
    for deed in Self.deeds {
      let plugin = try await put(deed, suffix, in: folder)
      registries += "      r-\(deed.name): {plugin: \(plugin), isolate: true}\n"
    }
    let thrower = "throw-\(suffix)"
    let library = try await CLibrary.build(
      "Tests/HostilePlugins/throws.cc", flags: [#"-DNAME="\#(thrower)""#, "-std=c++17", "-lstdc++"])
    try FileManager.default.copyItem(
      atPath: library, toPath: folder.path("plugins/librollcall-\(thrower).so"))
    registries += "      r-throw: {plugin: \(thrower), isolate: true}\n"
    try folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "nodes.yaml")
    try folder.write(
      """
      cluster:
        discovery:
          registries:
            files: {plugin: static-file, path: nodes.yaml, debounce: 10ms}
            isolated-files: {plugin: static-file, path: nodes.yaml, debounce: 10ms, isolate: true}

      """ + registries + "node: {publish: false, hostname: watcher}\n",
      to: "rollcall.yaml")
    let socket = folder.path("socket")
    let environment = ["ROLLCALL_PLUGIN_PATH": folder.path("plugins"), "ROLLCALL_SOCKET": socket]
    let daemon = try Command.start(
      ["run", "--config", "rollcall.yaml", "--socket", socket], in: folder.path, environment: environment)
    try await logged(daemon, "registry synced", "registry=isolated-files")
    for deed in Self.deeds + [Deed("throw", at: 3, "", "was ended by signal 6 (abort)")] {
      guard let cause = deed.cause else {
        try await logged(daemon, "registry synced", "registry=r-\(deed.name)")
        continue
      }
      try await logged(daemon, cause, "again-in", "registry=r-\(deed.name)")
      let states = ["registry degraded", "registry failed"]
      try await eventually("\(deed.name) is told") {
        daemon.errorsSoFar.split(separator: "\n").contains { line in
          states.contains { line.contains($0) } && line.contains(cause)
            && line.hasSuffix("registry=r-\(deed.name)")
        }
      }
    }
    // Again, after all of that.
    try folder.replace("nodes.yaml", with: nodes([("n1", "one", "10.0.0.1"), ("n2", "two", "10.0.0.2")]))
    try await logged(daemon, "member joined", "member=two")
    for id in ["files/n2", "isolated-files/n2", "r-exit/plain-1", "r-print/plain-1", "r-freeze/plain-1"] {
      try await eventually("\(id) is there") {
        try await Command.run(
          ["get", "affiliates", "--namespace", "cluster-raw"], in: folder.path, environment: environment
        ).output.contains(id)
      }
    }
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.processID)/fd").count
    #expect(open < 300, "\(open) open files")
    daemon.signal(SIGTERM)
    let result = try await daemon.result()
    #expect(result.status == 0, "\(result.status)")
    try await eventually("the processes' end") { processes(with: suffix).isEmpty }
  }

  @Test("what isolated plugins started ends also with a daemon that is killed")
  func killedDaemon() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "plugins/none")
    let suffix = String(UUID().uuidString.lowercased().prefix(8))
    let fork = try #require(Self.deeds.first { $0.name == "fork" })
    let plugin = try await put(fork, suffix, in: folder)
    try folder.write(
      "cluster: {discovery: {registries: {a: {plugin: \(plugin), isolate: true}}}}\nnode: {publish: false}\n",
      to: "rollcall.yaml")
    let daemon = try Command.start(
      ["run", "--config", "rollcall.yaml", "--socket", folder.path("socket")], in: folder.path,
      environment: ["ROLLCALL_PLUGIN_PATH": folder.path("plugins")])
    try await logged(daemon, "registry synced", "registry=a")
    try await eventually("the plugin's child") { processes(with: suffix).count == 2 }
    daemon.signal(SIGKILL)
    try await eventually("the processes' end") { processes(with: suffix).isEmpty }
  }

  @Test("what a plugin is can be asked of a process, and how its settings can work")
  func run() async throws {
    let described = try await Command.run("plugins run static-file")
    #expect(described.status == 0)
    #expect(described.output.hasPrefix(#"{"hello":{"protocol":1,"publishes":false,"name":"static-file","#))
    let missing = try await Command.run("plugins run no-such")
    #expect(missing.status == 66)
    #expect(
      missing.output.hasPrefix(#"{"failed":{"code":"unavailable","message":"no plugin is called 'no-such'"#))
  }

  @Test("a configuration with isolated registries is checked as any other")
  func check() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      cluster:
        discovery:
          registries:
            a: {plugin: static-file, isolate: true}
            b: {plugin: static-file, isolate: true, pth: x}
            c: {plugin: static-file, isolate: maybe, path: x}
            d: {plugin: none, isolate: true}
      """, to: "rollcall.yaml")
    let result = try await Command.run("config check rollcall.yaml", in: folder.path)
    #expect(result.status == 1)
    #expect(
      result.errors.contains("rollcall.yaml:5:47: unknown key 'pth'; did you mean 'path'?"), "\(result)")
    #expect(result.errors.contains("rollcall.yaml:6:41: "), "\(result)")
    #expect(result.errors.contains("there is no plugin 'none'"), "\(result)")
    try folder.write(
      "cluster: {discovery: {registries: {a: {plugin: static-file, isolate: true}}}}", to: "one.yaml")
    let one = try await Command.run("config check one.yaml", in: folder.path)
    #expect(one.errors.contains("the registry 'a' can't be made: no file is named"), "\(one)")
    let shown = try await Command.run("config show --config one.yaml", in: folder.path)
    #expect(shown.output.contains("isolate: true"), "\(shown)")
  }
}
