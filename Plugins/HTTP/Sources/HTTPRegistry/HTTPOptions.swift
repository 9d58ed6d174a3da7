import ClusterModel
public import Inventories
import Platform
public import RegistryKit

/// What a person writes of a server that knows machines.
public struct HTTPOptions: RegistryOptions {
  /// Where the list is.
  public var url: String?
  /// Another Rollcall, which is followed.
  public var rollcall: String?
  /// How the list is written.
  public var format = InventoryFormat.auto
  /// How the server is asked, where it isn't polled.
  public var follow: FollowMode?
  /// Where in JSON of any kind what is.
  public var mapping: MappingOptions?
  /// How often the list is asked for.
  public var interval = Duration.seconds(30)
  /// By which share each interval is shortened at random.
  public var jitter = 0.1
  /// How long one answer may take.
  public var timeout = Duration.seconds(30)
  /// How long a stream may be silent, and a long poll may wait.
  public var idleTimeout = Duration.seconds(300)
  /// The most bytes of an answer.
  public var maximumBytes = 16 << 20
  /// Further headers of each request.
  public var headers: [String: Secret] = [:]
  /// A file with a bearer token.
  public var tokenFile: String?
  /// Whether the token may be sent without TLS.
  public var allowInsecure = false
  /// A file with the certificates that sign the server's, in PEM; else the system's.
  public var caFile: String?
  /// A file with a client certificate, in PEM.
  public var clientCertFile: String?
  /// The private key of that certificate, in PEM.
  public var clientKeyFile: String?

  public init() {}

  public static let options = OptionList<Self> {
    RegistryOption("url", \.url, .uri, "where the list is: `https://host/path` or `http://…`")
    RegistryOption(
      "rollcall", \.rollcall, .uri,
      "another Rollcall's API, `https://host:port`, in place of `url`: its nodes are followed as they change")
    RegistryOption(
      "format", \.format, .choice,
      "how the list is written, as with static files; `auto` tells it by the content")
    RegistryOption(
      "follow", \.follow, .choice,
      "what else than polling: `ndjson` and `sse`, a stream of updates; `longPoll`, lists that the server holds back "
        + "until something changes")
    RegistryOption("mapping", \.mapping, .object, "where in JSON of any other kind the nodes are")
    RegistryOption(
      "interval", \.interval, .duration(in: .seconds(1) ... .seconds(86_400)),
      "how often the list is asked for")
    RegistryOption(
      "jitter", \.jitter, .number(in: 0...1), "by up to which share each interval is shortened at random")
    RegistryOption(
      "timeout", \.timeout, .duration(in: .milliseconds(100) ... .seconds(3_600)),
      "how long a connection and one answer may take together")
    RegistryOption(
      "idleTimeout", \.idleTimeout, .duration(in: .seconds(1) ... .seconds(86_400)),
      "how long a stream may be silent, and a long poll may wait")
    RegistryOption(
      "maximumBytes", \.maximumBytes, .integer(in: 1024...InventoryLimits.bytes),
      "the most bytes of a list, or of one update of a stream")
    RegistryOption(
      "headers", \.headers, .map(of: .secret), "further headers of each request, such as `X-API-Key: …`")
    RegistryOption(
      "tokenFile", \.tokenFile, .path, "a file with a bearer token, which is read anew for each request")
    RegistryOption(
      "allowInsecure", \.allowInsecure, .flag,
      "whether the token may be sent over plain HTTP to another machine, for all on the way to read")
    RegistryOption(
      "caFile", \.caFile, .path,
      "PEM file with the certificates that are trusted to sign the server's; by default the system's")
    RegistryOption("clientCertFile", \.clientCertFile, .path, "PEM file with a client certificate")
    RegistryOption("clientKeyFile", \.clientKeyFile, .path, "PEM file with that certificate's private key")
  }
}

/// How a server is asked.
public enum FollowMode: String, CaseIterable, Sendable {
  case ndjson
  case sse
  case longPoll
}

/// Where in JSON of any kind the nodes and what they have is, each as a JSONPath.
public struct MappingOptions: RegistryOptions {
  /// From the answer to the nodes.
  public var items = ""
  /// From a node to each of its parts.
  public var id: String?
  public var nodeID: String?
  public var hostname: String?
  public var nodename: String?
  public var addresses: String?
  public var machineID: String?
  public var machineType: String?
  public var operatingSystem: String?
  public var publicKey: String?
  public var ready: String?
  public var labels: [String: String] = [:]

  public init() {}

  private static let path = OptionType.text(length: 1...1024)

  public static let options = OptionList<Self> {
    RegistryOption("items", \.items, path, "the nodes: `.results[*]`").required
    RegistryOption("id", \.id, path, "what the server calls the machine, from a node: `.id`")
    RegistryOption("nodeId", \.nodeID, path, "the node's identity")
    RegistryOption("hostname", \.hostname, path, "the hostname")
    RegistryOption("nodename", \.nodename, path, "the name of the Kubernetes Node")
    RegistryOption(
      "addresses", \.addresses, path, "the addresses, with or without the length of their network")
    RegistryOption("machineID", \.machineID, path, "the id as in `/etc/machine-id`")
    RegistryOption("machineType", \.machineType, path, "`controlplane`, `worker`, `init` or `unknown`")
    RegistryOption("operatingSystem", \.operatingSystem, path, "text for people")
    RegistryOption("publicKey", \.publicKey, path, "the WireGuard public key")
    RegistryOption("ready", \.ready, path, "whether the node works: `true` or `false`")
    RegistryOption("labels", \.labels, .map(of: path), "labels, each with its path")
  }
}

/// The options, found to work together.
struct HTTPRegistrySettings: Sendable {
  /// What is asked for, and how.
  enum Subject: Sendable {
    case list(RequestURL, ListForm, isLongPoll: Bool)
    case stream(RequestURL, isSSE: Bool)
    case rollcall(RequestURL)

    /// Whether nobody else reads what is sent: over TLS, or within this machine.
    fileprivate var isPrivate: Bool {
      let url =
        switch self {
        case .list(let url, _, _), .stream(let url, _), .rollcall(let url): url
        }
      let host = url.server.host.lowercased()
      return url.server.isSecure || host == "localhost" || (try? IPAddress(host))?.isLoopback == true
    }
  }

  let subject: Subject
  let interval: Duration
  let jitter: Double
  let timeout: Duration
  let idleTimeout: Duration
  let maximumBytes: Int
  let headers: [RequestHeader]
  let tokenFile: String?
  let caFile: String?
  let clientCertFile: String?
  let clientKeyFile: String?

  init(_ options: HTTPOptions, baseDirectory: String) throws(RegistryError) {
    try options.check()
    subject = try Self.subject(options)
    interval = options.interval
    jitter = options.jitter
    timeout = options.timeout
    idleTimeout = options.idleTimeout
    maximumBytes = options.maximumBytes
    var headers: [RequestHeader] = []
    for (name, value) in options.headers.sorted(by: { $0.key < $1.key }) {
      headers.append(try RequestHeader(name, value))
    }
    self.headers = headers
    func path(_ text: String?) -> String? { text.map { FilePaths.resolve($0, base: baseDirectory) } }
    tokenFile = path(options.tokenFile)
    caFile = path(options.caFile)
    clientCertFile = path(options.clientCertFile)
    clientKeyFile = path(options.clientKeyFile)
    guard (clientCertFile == nil) == (clientKeyFile == nil) else {
      throw RegistryError(.invalidArgument, "clientCertFile and clientKeyFile are needed together")
    }
    if tokenFile != nil, !options.allowInsecure, !subject.isPrivate {
      throw RegistryError(
        .invalidArgument,
        "tokenFile over plain HTTP lets all on the way read the token; use https, or write `allowInsecure: true`"
      )
    }
    if tokenFile != nil, headers.contains(where: { $0.name.lowercased() == "authorization" }) {
      throw RegistryError(.invalidArgument, "tokenFile and the header Authorization exclude each other")
    }
  }

  private static func subject(_ options: HTTPOptions) throws(RegistryError) -> Subject {
    if let rollcall = options.rollcall {
      let others: [(String, Bool)] = [
        ("url", options.url != nil), ("follow", options.follow != nil), ("mapping", options.mapping != nil),
        ("format", options.format != .auto),
      ]
      if let other = others.first(where: \.1) {
        throw RegistryError(.invalidArgument, "rollcall and \(other.0) exclude each other")
      }
      return .rollcall(try RequestURL(rollcall, option: "rollcall"))
    }
    guard let text = options.url else {
      throw RegistryError(
        .invalidArgument, "nothing is named to ask; write `url: https://…`, or `rollcall: https://…`")
    }
    let url = try RequestURL(text, option: "url")
    let isStream = options.follow == .ndjson || options.follow == .sse
    if isStream, options.mapping != nil || options.format != .auto {
      let name = options.mapping != nil ? "mapping" : "format"
      throw RegistryError(
        .invalidArgument,
        "follow: \(options.follow?.rawValue ?? "") and \(name) exclude each other: a stream has updates of its own form"
      )
    }
    if isStream { return .stream(url, isSSE: options.follow == .sse) }
    let form: ListForm
    if let mapping = options.mapping {
      guard options.format == .auto else {
        throw RegistryError(.invalidArgument, "mapping and format exclude each other")
      }
      form = .mapped(try ListMapping(mapping))
    } else {
      form = .known(options.format)
    }
    return .list(url, form, isLongPoll: options.follow == .longPoll)
  }
}

/// A header that a person wants in each request.
struct RequestHeader: Sendable {
  let name: String
  let value: Secret

  /// - Throws: ``RegistryError`` that names the header, never its value.
  init(_ name: String, _ value: Secret) throws(RegistryError) {
    let isToken =
      !name.isEmpty && name.utf8.count <= 256
      && name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
          || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    guard isToken else {
      throw RegistryError(
        .invalidArgument, "headers: \(jsonString(name.prefix(80))) isn't the name of a header")
    }
    let reserved = [
      "host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade",
    ]
    guard !reserved.contains(name.lowercased()) else {
      throw RegistryError(.invalidArgument, "headers: \(name) is up to the connection; leave it out")
    }
    guard value.revealed.utf8.count <= 64 << 10,
      value.revealed.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 9 })
    else {
      throw RegistryError(.invalidArgument, "headers.\(name): the value is one line of at most 64 KiB")
    }
    self.name = name
    self.value = value
  }
}
