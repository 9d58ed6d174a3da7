/// A registry that isn't heard any more after its end, whatever it says: a plugin behind its host. Whether it kept
/// silent has to be asked for.
package protocol FencedRegistry: Registry {
  /// How many runs said something after they had ended.
  var runsThatSpokeOn: Int { get }
}
