import ClusterModel
import KubeSpan
import Testing

@Suite("A peer's state")
struct PeerStateTests {
  private struct Case: Decodable {
    let name: String
    let lastHandshakeSecondsAgo, lastEndpointChangeSecondsAgo: Double?
    let lastUsedEndpoint, expectedState: String
    let expectedShouldChangeEndpoint: Bool
  }

  @Test("is the existing system's")
  func vectorsPass() throws {
    let cases = try vectors("peer-state", as: Case.self)
    #expect(cases.count == 16)
    for item in cases {
      let hasUsed = !item.lastUsedEndpoint.isEmpty
      let state = PeerState(
        sinceHandshake: item.lastHandshakeSecondsAgo.map { .seconds($0) },
        sinceEndpointChange: item.lastEndpointChangeSecondsAgo.map { .seconds($0) }, hasUsedEndpoint: hasUsed)
      #expect(state.rawValue == item.expectedState, "\(item.name)")
      #expect((state == .down || !hasUsed) == item.expectedShouldChangeEndpoint, "\(item.name)")
    }
  }
}

/// A case of timelines.json: the existing system's loop over a device that is only told of.
private struct Timeline: Decodable {
  struct Step: Decodable {
    let t: Double
    let wgEndpoint: String
    let wgLastHandshakeAt: Double?
    let expectedState, expectedEndpoint, expectedLastUsedEndpoint, expectedEndpointSetOnDevice: String
  }

  let name: String
  let specEndpoints: [IPEndpoint]
  let steps: [Step]
}

@Suite("Timelines of the existing system")
struct TimelineTests {
  @Test("follow from its rules of state and endpoint")
  func reference() throws {
    let cases = try vectors("timelines", as: Timeline.self)
    #expect(cases.count == 5)
    for item in cases {
      var (lastUsed, lastChange): (IPEndpoint?, Double?) = (nil, nil)
      for step in item.steps {
        var shown = try endpoint(step.wgEndpoint)
        var state = PeerState(
          sinceHandshake: step.wgLastHandshakeAt.map { .seconds(step.t - $0) },
          sinceEndpointChange: lastChange.map { .seconds(step.t - $0) }, hasUsedEndpoint: lastUsed != nil)
        let onDevice = shown
        if state == .down || lastUsed == nil,
          let next = EndpointRotation.next(in: item.specEndpoints, after: lastUsed, current: shown)
        {
          (lastUsed, lastChange, shown, state) = (next, step.t, next, .unknown)
        }
        let set = onDevice == nil || onDevice == lastUsed || shown != onDevice ? lastUsed : nil
        #expect(state.rawValue == step.expectedState, "\(item.name) at \(step.t)")
        #expect(shown == (try endpoint(step.expectedEndpoint)), "\(item.name) at \(step.t)")
        #expect(lastUsed == (try endpoint(step.expectedLastUsedEndpoint)), "\(item.name) at \(step.t)")
        #expect(set == (try endpoint(step.expectedEndpointSetOnDevice)), "\(item.name) at \(step.t)")
      }
    }
  }
}
