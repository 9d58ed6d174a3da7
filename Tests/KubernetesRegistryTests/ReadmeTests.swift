import ClusterModel
import Documents
import Foundation
import RegistryKit
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct ReadmeTests {
  static let path = "Plugins/Kubernetes/README.md"

  @Test(
    "every configuration in the README and the guide makes a registry",
    arguments: [path, "Docs/Kubernetes.md"])
  func configurations(file: String) throws {
    let blocks = try MarkdownBlock.all(in: file).filter {
      $0.text.contains("discovery:\n") && !$0.text.contains("kind:")
    }
    #expect(blocks.count == (file == Self.path ? 4 : 3))
    for block in blocks {
      let stream = try YAML.parse(Array(block.text.utf8), file: block.description)
      let registries = try #require(stream.documents.first?["cluster"]?["discovery"]?["registries"]?.pairs)
      let registry = try #require(registries.first)
      #expect((registry.value["plugin"]?.string ?? registry.key) == KubernetesRegistry.descriptor.name)
      let pairs = (registry.value.pairs ?? []).filter { !["plugin", "disabled"].contains($0.key) }
      let text = YAML.json(of: .mapping(pairs.map { ($0.key, $0.value) }))
      _ = try KubernetesSettings(KubernetesOptions(json: text))
    }
  }

  @Test("the README has the sections of every plugin, and every option with its default")
  func sections() throws {
    let url = BuiltProducts.checkout.appendingPathComponent(Self.path)
    let text = try String(contentsOf: url, encoding: .utf8)
    let sections = text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
    #expect(sections == ["Name", "Description", "Configuration", "Metrics", "Examples"])
    let table = KubernetesOptions.options.schema.markdownTable
    #expect(text.contains("\n\n\(table)\n"), "the table should be:\n\(table)")
    for annotation in NodeAnnotation.allCases { #expect(text.contains("| `\(annotation.rawValue)` |")) }
    for key in EntryFields.unsupportedUserKeys { #expect(text.contains("`\(key)`")) }
  }

  @Test("the README's manifests are those in Docs/Examples", arguments: ["rbac", "daemonset"])
  func manifests(name: String) throws {
    let url = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/kubernetes/\(name).yaml")
    let file = try String(contentsOf: url, encoding: .utf8)
    #expect(try MarkdownBlock.all(in: Self.path).contains { $0.text == file })
    let documents = try YAML.parse(Array(file.utf8), file: url.path).documents
    #expect(documents.count >= 2)
    #expect(documents.allSatisfy { $0["apiVersion"]?.string != nil && $0["kind"]?.string != nil })
  }

  @Test(
    "the manifests' pods may start where Pod Security is enforced, can write their folder, and know their Node"
  )
  func pods() throws {
    func document(_ kind: String, in name: String) throws -> YAMLNode {
      let url = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/kubernetes/\(name).yaml")
      let documents = try YAML.parse(Array(Data(contentsOf: url)), file: url.path).documents
      return try #require(documents.first { $0["kind"]?.string == kind })
    }
    let labels = try document("Namespace", in: "rbac")["metadata"]?["labels"]
    for mode in ["enforce", "audit", "warn"] {
      #expect(labels?["pod-security.kubernetes.io/\(mode)"]?.string == "privileged")
    }
    let pod = try document("DaemonSet", in: "daemonset")["spec"]?["template"]?["spec"]
    let container = try #require(pod?["containers"]?.items?.first)
    #expect(container["securityContext"]?["runAsUser"]?.int == 0)
    // The image that `.ci/package` makes of this version.
    #expect(container["image"]?.string == "rollcall:\(RollcallVersion.current)")
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
      #expect(container[probe]?["httpGet"]?["path"]?.string == path)
    }
    let variable = try #require(container["env"]?.items?.first { $0["name"]?.string == "ROLLCALL_NODENAME" })
    #expect(variable["valueFrom"]?["fieldRef"]?["fieldPath"]?.string == "spec.nodeName")
  }
}
