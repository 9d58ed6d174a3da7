import ClusterResources
import HTTPTypes

/// Why a request isn't answered as asked: RFC 9457, as `application/problem+json`.
struct Problem: Error, Sendable {
  /// One of several things that may have been meant.
  struct Candidate: Hashable, Sendable {
    let id: String
    let nodeID: String
    /// By what it may have been meant.
    let why: String
  }

  let status: HTTPResponse.Status
  /// One word for programs.
  let code: String
  /// Names the thing, the value and what would be right.
  let detail: String
  var parameter: String?
  var candidates: [Candidate] = []
  /// Header fields beside the usual ones.
  var fields = HTTPFields()

  init(
    _ status: HTTPResponse.Status, _ code: String, _ detail: String, parameter: String? = nil,
    candidates: [Candidate] = []
  ) {
    self.status = status
    self.code = code
    self.detail = detail
    self.parameter = parameter
    self.candidates = candidates
  }

  var value: ResourceValue {
    .present([
      ("type", "about:blank"), ("title", .text(status.reasonPhrase)),
      ("status", .integer(Int64(status.code))), ("detail", .text(detail)), ("code", .text(code)),
      ("parameter", parameter.map { .text($0) }),
      (
        "candidates",
        candidates.isEmpty
          ? nil
          : .list(
            candidates.map { ["id": .text($0.id), "nodeId": .text($0.nodeID), "why": .text($0.why)] })
      ),
    ])
  }

  // MARK: The usual ones

  static func invalid(_ parameter: String, _ detail: String) -> Problem {
    Problem(.badRequest, "invalid-parameter", detail, parameter: parameter)
  }

  static func notFound(_ detail: String, candidates: [Candidate] = []) -> Problem {
    Problem(.notFound, "not-found", detail, candidates: candidates)
  }

  static func forbidden(_ detail: String) -> Problem { Problem(.forbidden, "forbidden", detail) }
}
