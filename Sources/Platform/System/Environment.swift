#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The environment variable `name`; nil where it isn't set.
package func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
