import ClusterModel
import ClusterResources
import Platform
import StatusClient
import Synchronization

/// What `get` does where a daemon answers.
struct DaemonGet: Sendable {
  let request: GetRequest
  let client: StatusClient
  /// Whether what is missing in a list is told of it; else somebody knows better.
  var checksWhole = true
  /// Puts secrets in that the daemon doesn't tell.
  var reveal: @Sendable ([ResourceValue]) -> [ResourceValue] = { $0 }

  private var path: String { "/v1/\(request.type.plural)" }

  private var query: [(name: String, value: String)] {
    var query: [(name: String, value: String)] = []
    if request.isRaw { query.append(("namespace", "cluster-raw")) }
    if let selector = request.labelSelector { query.append(("labelSelector", selector)) }
    if let selector = request.fieldSelector { query.append(("fieldSelector", selector)) }
    // Conflicts that aren't shown are counted for a person.
    let countsAll = request.type == .conflict && request.format == .table && Terminal.isPerson
    let hasMore = request.type == .member || request.type == .conflict
    if request.isAll && hasMore || countsAll { query.append(("all", "true")) }
    return query
  }

  // MARK: A list

  /// Prints what there is.
  func once() async throws {
    let (documents, list, missing) = try await request.ids.isEmpty ? listed() : named()
    // Where nothing that was named is there nothing is printed, not even a header.
    if documents.isEmpty, let missing { throw missing }
    // Documents that say it themselves need no more to be asked for.
    let node = documents.allSatisfy { $0["node"] != nil } ? "" : try await nodeName(list)
    var printer = request.printer(revision: list.resourceVersion)
    try Printing.print(try request.rows(reveal(documents), node: node), with: &printer, at: list.now)
    for note in printer.notes { Terminal.note(note) }
    if let missing { throw missing }
    if documents.isEmpty { try await explainEmptiness() }
    if Terminal.isPerson { try await tellPerson(documents, list) }
    guard checksWhole, request.isOfRegistries else { return }
    try PartialList.check(list.partial, isPartAllowed: request.isPartAllowed)
  }

  /// Tells who looks for members where there are nodes, but none that counts as one.
  private func explainEmptiness() async throws {
    if ResourceType.kubeSpan.contains(request.type) { return try await explainMesh() }
    guard request.type == .member, request.format == .table, request.ids.isEmpty,
      request.labelSelector == nil, request.fieldSelector == nil
    else { return }
    let count = try await client.list("/v1/affiliates").items.count
    if count > 0 { Terminal.note(MemberNotes.noMembers(among: count)) }
  }

  /// Tells why there is nothing of a mesh.
  private func explainMesh() async throws {
    let mesh = try await client.get("/v1/kubespan").document()
    if mesh["enabled"]?.bool == false {
      Terminal.note(mesh["reason"]?.text ?? "KubeSpan is off")
    } else if let message = mesh.at("problem", "message")?.text {
      Terminal.note(message)
    } else if request.type == .kubeSpanEndpoint, mesh["harvesting"]?.bool == false {
      Terminal.note("kubespan.harvestExtraEndpoints is off: endpoints of others aren't harvested")
    }
  }

  private func listed() async throws -> ([ResourceValue], ResourceList, missing: CommandError?) {
    let list = try await client.list(path, query, without: request.unneeded)
    return (list.items, list, nil)
  }

  /// Those that were named, each with all that is known of it, and why others aren't among them.
  private func named() async throws -> ([ResourceValue], ResourceList, missing: CommandError?) {
    let list = try await client.list("/v1/registries")
    var documents: [ResourceValue] = []
    var missing: [CommandError] = []
    for id in request.ids {
      do {
        documents += try await named(id, at: list.now)
      } catch let error as StatusError where error.code == .refused {
        missing.append(error.commandError)
      } catch let error as CommandError {
        missing.append(error)
      }
    }
    let error = missing.first.map { CommandError(lines: missing.flatMap(\.lines), exitCode: $0.exitCode) }
    return (documents, list, error)
  }

  private func named(_ id: String, at now: Timestamp) async throws -> [ResourceValue] {
    // Slashes, in ids of raw affiliates and conflicts, belong to the path.
    let hasParts = request.isRaw || request.type == .conflict
    let parts =
      hasParts ? id.split(separator: "/", omittingEmptySubsequences: false).map(String.init) : [id]
    if request.isRaw, parts.count < 2 {
      return try await rawAffiliates(of: id)
    }
    let path = ([path] + parts.map(StatusClient.encoded)).joined(separator: "/")
    let document = try await client.get(path).document()
    if request.type == .member, !request.isAll, let text = MemberNotes.unlisted(document, at: now) {
      throw CommandError(text)
    }
    return [document]
  }

  /// What each registry says of the node `id`.
  private func rawAffiliates(of id: String) async throws -> [ResourceValue] {
    let all = try await client.list(path, [("namespace", "cluster-raw")]).items
    let found = all.filter { $0.at("metadata", "id")?.text?.hasSuffix("/" + id) ?? false }
    guard found.isEmpty else { return found }
    let known = all.compactMap { $0.at("metadata", "id")?.text }.prefix(10_000)
    throw CommandError(
      "there is no affiliate '\(id)' in namespace '\(request.namespace)'"
        + (didYouMean(id, among: known).map { ": \($0)" } ?? ""))
  }

  /// What the NODE column says.
  private func nodeName(_ list: ResourceList) async throws -> String {
    if let node = list.node { return node }
    return try await client.get("/v1/status").document().at("node", "label")?.text ?? ""
  }

  private func tellPerson(_ documents: [ResourceValue], _ list: ResourceList) async throws {
    switch request.type {
    case .member where request.format == .table && request.ids.isEmpty:
      let registries = try await client.list("/v1/registries").items
      if let text = MemberNotes.summary(documents, registries: registries, at: list.now) {
        Terminal.note(text)
      }
    case .conflict where request.format == .table && !request.isAll && request.ids.isEmpty:
      let count = documents.count { $0.at("spec", "severity")?.text == "info" }
      if count > 0 {
        Terminal.note("\(count) more of severity info (fields that registries write differently): --all")
      }
    default: break
    }
  }

  // MARK: A watch

  /// Prints what there is, and each change until somebody ends the command.
  func watch() async throws {
    let list = try await client.list("/v1/registries")
    let node = try await nodeName(list)
    let shown = Mutex(
      WatchedDocuments(request: request, node: node, printer: request.printer(watching: true)))
    if checksWhole, request.isOfRegistries {
      try PartialList.check(list.partial, isPartAllowed: true)
    }
    try await client.watch(path, query + [("watch", "true")]) { event in
      try shown.withLock { try $0.take(event) }
      return true
    }
  }
}

/// What somebody who watches a daemon's list was shown, and is shown of each event.
struct WatchedDocuments {
  private let request: GetRequest
  private let node: String
  private var printer: any ResourcePrinter
  private var known = DocumentSet()
  private var isAway = false
  private var now = Timestamp.now()
  /// What there was at the beginning, until all of it was told: a table's columns are as wide as all of that needs.
  private var first: [PrintedResource]? = []

  init(request: GetRequest, node: String, printer: any ResourcePrinter) {
    self.request = request
    self.node = node
    self.printer = printer
  }

  mutating func take(_ event: WatchEvent) throws {
    if case .disconnected(let error) = event {
      if !isAway { Terminal.note("\(error.message); waiting for the daemon") }
      isAway = true
      return
    }
    if isAway { Terminal.note("the daemon is back") }
    isAway = false
    now = max(now, .now())
    switch event {
    case .added(_, let document), .modified(_, let document): try put(document)
    case .deleted(_, let document, _): try remove(document)
    case .reset: known.reset()
    case .synced(let time):
      if let time { now = time }
      for document in known.settle() { try print(document, .destroyed) }
      if let all = first {
        first = nil
        // A table's header comes also where nothing is below it yet.
        try Printing.print(all, with: &printer, at: now)
      }
    case .disconnected: break
    }
  }

  private mutating func put(_ document: ResourceValue) throws {
    guard request.ids.isEmpty || request.ids.contains(document.at("metadata", "id")?.text ?? "") else {
      return
    }
    // What is no longer in a state that was asked for is gone for who asked.
    guard request.includes(document) else { return try remove(document) }
    let old = known.put(document)
    guard old != document else { return }
    try print(document, old == nil ? .created : .updated)
  }

  private mutating func remove(_ document: ResourceValue) throws {
    if known.remove(document) { try print(document, .destroyed) }
  }

  private mutating func print(_ document: ResourceValue, _ event: ResourceEvent) throws {
    let row = PrintedResource(document.named(node), event: event)
    guard first == nil else { return first?.append(row) ?? () }
    try Printing.print([row], with: &printer, at: now)
  }
}

/// Printing to the standard output.
enum Printing {
  /// Prints `items`.
  static func print(
    _ items: [PrintedResource], with printer: inout any ResourcePrinter, at now: Timestamp = .now()
  ) throws {
    let text: String
    do throws(ResourceError) { text = try printer.text(of: items, at: now) } catch {
      throw CommandError(error.message)
    }
    if !text.isEmpty { try Terminal.write(text) }
  }
}
