import ClusterModel
import Dialing
import FoundationEssentials
import HTTPTransport
import Platform
public import RegistryKit

/// A registry of a server: who is in the cluster is what a URL answers, be it a list that is asked for each interval, a
/// stream of updates, or another Rollcall.
///
/// What fails, is half, or is something else never takes anything away: the registry is degraded, and says why.
public struct HTTPRegistry: RegistryPlugin {
  public typealias Options = HTTPOptions

  public static var descriptor: RegistryDescriptor {
    RegistryDescriptor(
      name: "http", version: RollcallVersion.current,
      summary: "Machines that a URL lists: inventories, Prometheus' targets, another Rollcall, any JSON.",
      optionsSchema: HTTPOptions.schema, matching: .inventory(alone: .affiliate))
  }

  private let settings: HTTPRegistrySettings
  var environment = ProcessInfo.processInfo.environment

  public init(options: HTTPOptions, context: RegistryContext) throws {
    settings = try HTTPRegistrySettings(options, baseDirectory: context.baseDirectory)
  }

  public func run(_ session: RegistrySession) async throws {
    let host = session.context.host
    let connections = HTTPConnections(connectTimeout: min(settings.timeout, .seconds(30)))
    let client = HTTPClient(
      settings: settings, connections: connections, proxies: ProxyEnvironment(environment),
      userAgent: "\(host.name)/\(host.version)")
    do {
      try await follow(client, session)
    } catch {
      await connections.close()
      throw error
    }
  }

  private func follow(_ client: HTTPClient, _ session: RegistrySession) async throws {
    switch settings.subject {
    case .list(let url, let form, let isLongPoll):
      var poller = ListPoller(client, session, url: url, form: form, isLongPoll: isLongPoll)
      try await poller.run()
    case .stream(let url, let isSSE):
      try await UpdateFollower(client: client, session: session, url: url, isSSE: isSSE).run()
    case .rollcall(let url):
      try await RollcallFollower(client: client, session: session, url: url).run()
    }
  }
}
