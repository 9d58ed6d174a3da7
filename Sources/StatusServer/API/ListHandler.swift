import ClusterResources
import HTTPTypes
import NIOCore
import Synchronization

/// Lists, and watches of them.
struct ListHandler: Sendable {
  let context: APIContext
  private var table: ResourceTable { context.table }

  static let query = ["watch", "since", "labelSelector", "fieldSelector", "all", "timeoutSeconds"]

  /// `GET /v1/members` and its like.
  func list(_ list: ListKind, _ request: StatusRequest) throws -> APIResponse {
    var query = WatchQuery(lists: [list])
    query.all = try request.query.flag("all")
    if let type = list.type {
      query.labels = try Self.selector("labelSelector", request) { (text) throws(ResourceError) in
        try LabelSelector(text)
      }
      query.fields = try Self.selector("fieldSelector", request) { (text) throws(ResourceError) in
        try FieldSelector(text, of: type)
      }
    }
    if try request.query.flag("watch") { return try watch(query, request) }
    for name in ["since", "timeoutSeconds"] where try request.query.text(name) != nil {
      throw Problem.invalid(name, "\(name) is for watches: add watch=true")
    }
    let (listing, unchanged) = try unlessUnchanged(list, request)
    if let unchanged { return unchanged }
    let rows = listing.rows.filter { query.matches($0.content.selection, of: list) }
    if list == .registries { return registries(rows, listing) }
    return document(list.kind, listing, items: items(rows))
  }

  /// The rows as they are now, or that they are as they were when who asks last did.
  func unlessUnchanged(
    _ list: ListKind, _ request: StatusRequest
  ) throws -> (ResourceTable.Listing, APIResponse?) {
    let listing = table.rows(of: list)
    let tag = "\"\(table.text(of: listing.revision))\""
    guard Self.matches(request.field(.ifNoneMatch), tag) else { return (listing, nil) }
    var response = APIResponse(.notModified)
    response.fields[.eTag] = tag
    return (listing, response)
  }

  /// Whether `field` has that tag (RFC 9110 §13.1.2: compared weakly).
  static func matches(_ field: String?, _ tag: String) -> Bool {
    guard let field else { return false }
    return field.split(separator: ",").contains { part in
      let trimmed = part.drop { $0 == " " }
      let text = trimmed.hasPrefix("W/") ? trimmed.dropFirst(2) : trimmed
      return text == tag || text.split(separator: " ").first.map { $0 == tag || $0 == "*" } ?? false
    }
  }

  static func selector<Selector>(
    _ name: String, _ request: StatusRequest, _ make: (String) throws(ResourceError) -> Selector
  ) throws(Problem) -> Selector? {
    guard let text = try request.query.text(name) else { return nil }
    do { return try make(text) } catch {
      throw Problem(.badRequest, "invalid-selector", error.message, parameter: name)
    }
  }

  // MARK: Documents

  private func items(_ rows: [ResourceRow]) -> [ByteBuffer] {
    let now = context.now()
    return rows.map { $0.content.bytes(at: now) }
  }

  /// Counts of registries move without a revision, so their documents are made anew.
  private func registries(_ rows: [ResourceRow], _ listing: ResourceTable.Listing) -> APIResponse {
    let documents = context.documents()
    let coverage = context.coverage(documents)
    let items = rows.compactMap { row in
      documents.snapshot.registry(row.key.id).map { status in
        ByteBuffer(bytes: DocumentBytes(context.registry(status, coverage[status.name], documents)).bytes)
      }
    }
    return document(ListKind.registries.kind, listing, items: items)
  }

  /// A list of what was encoded before.
  func document(
    _ kind: String, _ listing: ResourceTable.Listing, items: [ByteBuffer], next: String? = nil
  ) -> APIResponse {
    let version = table.text(of: listing.revision)
    let metadata = ListMetadata(
      resourceVersion: version, now: context.now().wall, isSynced: listing.isSynced,
      partial: listing.partial, next: next, node: context.options.nodeLabel)
    let head = DocumentBytes([
      "apiVersion": .text(ResourceValue.apiVersion), "kind": .text("\(kind)List"),
      "metadata": metadata.value,
    ]).bytes.dropLast()
    var parts: [ByteBuffer] = []
    var part = ByteBuffer(bytes: head)
    part.writeString(",\"items\":[")
    for (index, item) in items.enumerated() {
      if index > 0 { part.writeInteger(UInt8(ascii: ",")) }
      part.writeImmutableBuffer(item)
      if part.readableBytes >= 64 * 1024 {
        parts.append(part)
        part = ByteBuffer()
      }
    }
    part.writeString("]}\n")
    var response = APIResponse(.ok, "application/json", .parts(parts + [part]))
    response.fields[.eTag] = "\"\(version)\""
    return response
  }

  // MARK: Watches

  /// `GET /v1/watch`
  func watch(_ request: StatusRequest) throws -> APIResponse {
    guard let names = try request.query.words("types", of: ListKind.allCases.map(\.rawValue)) else {
      throw Problem.invalid(
        "types", "types is needed: some of \(ListKind.allCases.map(\.rawValue).joined(separator: ","))")
    }
    var query = WatchQuery(lists: ListKind.allCases.filter { names.contains($0.rawValue) })
    query.all = try request.query.flag("all")
    return try watch(query, request)
  }

  /// A stream of what `query` has.
  func watch(_ query: WatchQuery, _ request: StatusRequest) throws -> APIResponse {
    var query = query
    let timeout = try request.query.integer("timeoutSeconds", in: 1...86_400).map { Duration.seconds($0) }
    query.timeout = [timeout, context.options.longestWatch].compactMap { $0 }.min()
    if let last = request.lastEventID, !last.isEmpty {
      query.since = try Self.revision(last, "Last-Event-ID")
    } else if query.since == nil, query.entries == nil, let since = try request.query.text("since") {
      query.since = try Self.revision(since, "since")
    }
    let ticker = context.ticker
    guard request.head.method != .head else { return Self.stream(.none) }
    guard ticker.enter(limit: context.options.maximumWatchers) else {
      throw Problem(
        .tooManyRequests, "too-many-watchers",
        "\(context.options.maximumWatchers) watch already: ask for a list with If-None-Match instead")
    }
    let slot = WatchSlot(ticker)
    let reader = Watch(
      query, table: table, ticker: ticker, now: { [context] in context.now() },
      isHalfClosed: { slot.isHalfClosed }, observeReset: context.options.observeReset)
    return Self.stream(
      .stream { writer in
        defer { slot.leave() }
        var reader = reader
        try await request.body.consumeWithInboundCloseHandler { _ in
          try await reader.run(&writer)
        } onInboundClosed: {
          slot.noteHalfClosed()
        }
      })
  }

  private static func stream(_ body: APIResponse.Body) -> APIResponse {
    var response = APIResponse(.ok, "text/event-stream", body)
    response.fields[.cacheControl] = "no-store"
    return response
  }

  /// Checks that `text` is written as revisions are: `q7f3k.1842`.
  static func revision(_ text: String, _ name: String) throws(Problem) -> String {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let isRevision =
      parts.count == 2 && parts[0].utf8.count == 5
      && parts[0].utf8.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 } && !parts[1].isEmpty
      && parts[1].utf8.allSatisfy { 0x30...0x39 ~= $0 }
    guard isRevision else {
      throw .invalid(
        name, "\(name) is a resourceVersion such as 'q7f3k.1842', not '\(String(text.prefix(80)).shown)'")
    }
    return text
  }
}

/// A watcher's place, given back once, also where its stream was never begun.
private final class WatchSlot: Sendable {
  private let ticker: WatchTicker
  private let isLeft = Mutex(false)
  private let isClosed = Atomic(false)

  init(_ ticker: WatchTicker) { self.ticker = ticker }

  /// Whether who watches sends nothing more: mostly because it is gone, which only a write tells.
  var isHalfClosed: Bool { isClosed.load(ordering: .relaxed) }

  func noteHalfClosed() { isClosed.store(true, ordering: .relaxed) }

  func leave() {
    let isFirst = isLeft.withLock { isLeft in
      defer { isLeft = true }
      return !isLeft
    }
    if isFirst { ticker.leave() }
  }

  deinit { leave() }
}

extension StatusRequest {
  /// The last event that a browser has seen, which it sends when it connects again.
  fileprivate var lastEventID: String? {
    head.headerFields.first { $0.name.canonicalName == "last-event-id" }?.value
  }
}
