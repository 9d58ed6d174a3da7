/// The version of this release of Rollcall: of the command, the library and the plugins that come with it. The one
/// place where it is written.
public enum RollcallVersion {
  /// The version, as semantic versioning has it.
  public static let current = "0.2.0"
}
