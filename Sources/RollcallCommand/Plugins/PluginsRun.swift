import ArgumentParser
import ClusterModel
import Glibc
import Logging
import Platform
import PluginHost
import RegistryKit
import RegistryProtocol
import Rollcall
import UnixSignals

/// `rollcall plugins run`
struct PluginsRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Load one plugin and speak the line protocol on the standard input and output.",
    discussion: """
      For registries with `isolate: true`, and for programs that want to use a plugin: see Docs/Registry-protocol.md. \
      The first line out says what the plugin is; the first line in has the settings; the end of the input is the end. \
      No configuration is read; the plugin is looked for in the folders of ROLLCALL_PLUGIN_PATH and beside the \
      executable.
      """)

  @Argument(help: "The plugin's name, or its file.", completion: Suggestions.plugins)
  var name: String

  @Flag(help: "Make an instance by the settings and put it away, without starting it.")
  var check = false

  @Flag(help: "Kill the process group at the end of the input, with all that the plugin started in it.")
  var ownsGroup = false

  @Flag(help: "Load also a plugin that others may write to.")
  var allowUnsafePermissions = false

  func run() async throws {
    let channel = try ProtocolChannel()
    ProcessLimits.apply()
    let plugin: LoadedPlugin
    do throws(PluginError) {
      let catalog = PluginCatalog(
        directories: .standard(), allowUnsafePermissions: allowUnsafePermissions,
        logger: channel.logger(.notice))
      plugin = try await PluginFolders.find(name, in: catalog)
    } catch {
      channel.write(ProgramLineWriter.failed(RegistryError(.unavailable, error.description)))
      channel.drain()
      _exit(error.code == .notFound ? PluginLauncher.notFoundStatus : CommandError.failure)
    }
    let descriptor = plugin.descriptor
    channel.write(
      ProgramLineWriter.hello(ProgramDescription(publishes: descriptor.publishes, plugin: descriptor)))
    channel.read()
    // Without settings it was only asked what it is.
    guard let settings = await channel.settings.value else {
      channel.drain()
      _exit(0)
    }
    let status = await run(plugin, settings, channel)
    channel.drain()
    // The host may be gone, and see to it no more.
    if ownsGroup, status == 0, getpgrp() == getpid() { kill(0, SIGKILL) }
    _exit(status)
  }

  /// - Returns: the exit status. The process then ends at once: what the plugin left running has no say in it.
  private func run(_ plugin: LoadedPlugin, _ settings: ProgramSettings, _ channel: ProtocolChannel) async
    -> Int32
  {
    let context = settings.context(logger: channel.logger(settings.logLevel))
    let stopTimeout = max(settings.stopTimeout * 0.4, .milliseconds(100))
    do {
      if check {
        try await plugin.check(options: settings.options, context: context)
        return 0
      }
      let registry = plugin.registry(options: settings.options, context: context, stopTimeout: stopTimeout)
      let session = RegistrySession(
        context: context, desired: DesiredPublications(channel.desired),
        onPublished: { channel.write(ProgramLineWriter.published($0, $1)) },
        receive: { batch in ProgramLineWriter.write(batch) { channel.write($0) } })
      let work = AbandonableWork()
      let signals = await UnixSignalsSequence(trapping: .sigterm)
      let outcome = await withTaskGroup(of: AbandonableWork.Outcome?.self) { group in
        group.addTask {
          await work.run(grace: settings.stopTimeout, time: TimeSource()) { try await registry.run(session) }
        }
        group.addTask {
          await channel.ended.wait(after: 0)
          return nil
        }
        group.addTask {
          for await _ in signals { return nil }
          await channel.ended.wait(after: 0)
          return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
      }
      switch outcome {
      case nil, .abandoned: return 0
      case .returned: throw RegistryError(.failed, "the registry ended without being told to")
      case .threw(let error): throw error
      }
    } catch {
      channel.write(ProgramLineWriter.failed(RegistryError(error)))
      return CommandError.failure
    }
  }
}

/// What a process that loads foreign code sets for itself, so that others don't pay for what it does.
private enum ProcessLimits {
  /// The most bytes of memory that it may have of its own: more than a registry of all nodes needs.
  private static let memory: rlim_t = 2 << 30

  static func apply() {
    var limit = rlimit()
    let data = __rlimit_resource_t(RLIMIT_DATA.rawValue)
    if getrlimit(data, &limit) == 0 {
      limit.rlim_cur = min(limit.rlim_max, memory)
      setrlimit(data, &limit)
    }
    // A core of the host's size for each crash of a plugin helps nobody.
    limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    // Where the machine has too little memory, this process goes before the daemon.
    let file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = write(file, "500", 3)
    close(file)
  }
}
