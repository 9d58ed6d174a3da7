import ClusterModel
import Logging
import Netlink
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("What a machine tells of itself")
struct NodeFactsTests {
  private let facts = NodeFacts(hostname: "Node-7.Example.org", operatingSystem: "Debian", addresses: [])

  @Test("the nodename is the hostname in lower case, and a machine without an API server is a worker")
  func defaults() throws {
    let affiliate = facts.affiliate(try NodeIdentity("me"), settings: NodeSettings())
    #expect(affiliate.hostname == "Node-7.Example.org")
    #expect(affiliate.nodename == "node-7.example.org")
    #expect(affiliate.machineType == .worker)
    #expect(affiliate.operatingSystem == "Debian")
    #expect(affiliate.kubeSpan == nil)
  }

  @Test("what the settings say comes before what was found out")
  func settings() throws {
    var settings = NodeSettings()
    settings.hostname = "seven"
    settings.operatingSystem = "Talos (v1.3.0)"
    settings.addresses = [try IPAddress("10.0.0.7")]
    settings.controlPlanePort = 6443
    settings.additionalAddresses = [try IPPrefix("10.244.7.0/24")]
    let affiliate = facts.affiliate(try NodeIdentity("me"), settings: settings)
    #expect(
      affiliate
        == Affiliate(
          nodeID: try NodeIdentity("me"), addresses: [try IPAddress("10.0.0.7")], hostname: "seven",
          nodename: "seven", operatingSystem: "Talos (v1.3.0)", machineType: .controlplane,
          kubeSpan: KubeSpanAffiliate(additionalAddresses: [try IPPrefix("10.244.7.0/24")]),
          controlPlane: ControlPlane(apiServerPort: 6443)))
    settings.machineType = .`init`
    #expect(facts.affiliate(try NodeIdentity("me"), settings: settings).machineType == .`init`)
  }

  @Test("os-release is read as a shell reads it")
  func osRelease() {
    #expect(
      OSRelease.prettyName("NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
        == "Debian GNU/Linux 12 (bookworm)")
    #expect(OSRelease.prettyName("# PRETTY_NAME=no\nPRETTY_NAME='Talos (v1.3.0)'") == "Talos (v1.3.0)")
    #expect(OSRelease.prettyName(#"PRETTY_NAME="A \"fine\" \$ystem\n""#) == #"A "fine" $ystem\n"#)
    #expect(OSRelease.prettyName("NAME=Alpine\nID=alpine") == "Alpine")
    #expect(OSRelease.prettyName("PRETTY_NAME=\"open\nNAME=Plain") == "Plain")
    #expect(OSRelease.prettyName("NAME=Alpine\r\nPRETTY_NAME=\"Alpine Linux\"\r\n") == "Alpine Linux")
    #expect(OSRelease.prettyName("") == nil)
  }

  @Test("the first os-release that there is counts, and without one the kernel's name does")
  func paths() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("PRETTY_NAME=Here", to: "os-release")
    #expect(HostFacts.operatingSystem(paths: [folder.path("missing"), path]) == "Here")
    #expect(HostFacts.operatingSystem(paths: []).hasPrefix("Linux "))
    #expect(!HostFacts.hostname().isEmpty)
  }

  @Test("a kernel that doesn't answer for once hasn't taken the addresses away")
  func kernelSilent() throws {
    let network = NetworkState(
      interfaces: [NetworkInterface(index: 2, name: "eth0")],
      addresses: [InterfaceAddress(address: try IPAddress("192.0.2.7"), interface: 2)])
    let answers = Mutex<[NetworkState?]>([nil, network, nil, NetworkState()])
    let known = KnownNetwork {
      guard let answer = answers.withLock({ $0.removeFirst() }) else {
        throw NetworkError("the kernel doesn't tell", code: 11)
      }
      return answer
    }
    let logger = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
    let told = (0..<4).map { _ in
      NodeFacts.addresses(NodeSettings(), of: known, logger: logger).map(\.description)
    }
    #expect(told == [[], ["192.0.2.7"], ["192.0.2.7"], []])
  }

  @Test("a change is told once, and a pulse without a change isn't told")
  func changes() async throws {
    let hostname = Text("one")
    let (stream, pulses) = AsyncStream.makeStream(of: Void.self)
    let provider = LocalNodeProvider(nodeID: try NodeIdentity("me")) { _ in
      NodeFacts(hostname: hostname.value)
    } pulses: {
      stream
    }
    var records = provider.records().makeAsyncIterator()
    #expect(await records.next()?.affiliate.hostname == "one")
    pulses.yield()
    hostname.set("two")
    pulses.yield()
    #expect(await records.next()?.affiliate.hostname == "two")
    pulses.yield()
    pulses.finish()
    #expect(await records.next() == nil)
  }

  @Test("other settings make another provider, the same ones don't")
  func applying() throws {
    let provider = LocalNodeProvider(nodeID: try NodeIdentity("me")) { _ in
      NodeFacts()
    } pulses: {
      AsyncStream { $0.finish() }
    }
    #expect(provider.applying(NodeSettings()) === provider)
    #expect(provider.applying(NodeSettings(hostname: "x")).current().affiliate.hostname == "x")
  }

  private final class Text: Sendable {
    private let text: Mutex<String>

    init(_ text: String) { self.text = Mutex(text) }

    var value: String { text.withLock { $0 } }
    func set(_ value: String) { text.withLock { $0 = value } }
  }
}
