import Platform
package import RegistryKit

/// Files that are small by their nature: configuration, certificates, tokens.
package enum SmallFiles {
  /// The most bytes that such a file may have.
  package static let maximumBytes = 4 << 20

  /// The bytes of the file at `path`. Blocks.
  ///
  /// - Parameter what: names the file's purpose in errors, `token file`.
  package static func read(_ path: String, what: String) throws(RegistryError) -> [UInt8] {
    do throws(FileError) {
      return try BoundedFile.read(path, limit: maximumBytes).bytes
    } catch {
      throw RegistryError(error, named: "\(what) '\(path)'")
    }
  }
}
