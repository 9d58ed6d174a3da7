/// A registry that is fenced off at its end, whatever it does: a plugin behind its host. Whether it kept to the rule
/// that it calls nobody after its end has to be asked for.
package protocol FencedRegistry: Registry {
  /// How many runs called the host after they had ended.
  var runsThatCalledLate: Int { get }
}
