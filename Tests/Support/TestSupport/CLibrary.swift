import Foundation
import Synchronization

/// Small shared libraries that tests compile from C, each once a run.
public enum CLibrary {
  /// Why a library couldn't be compiled: what the compiler says.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private static let compiled = Mutex<[String: Task<String, any Error>]>([:])

  /// A folder of this run, writable by this user alone.
  public static let folder: String = {
    let path = NSTemporaryDirectory() + "/rollcall-tests-\(ProcessInfo.processInfo.processIdentifier)-c"
    try? FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    atexit { CLibrary.removeFolder() }
    return path
  }()

  private static func removeFolder() { try? FileManager.default.removeItem(atPath: folder) }

  /// The path of the library made of `source`, a path within the package, with `flags` for the compiler.
  public static func build(_ source: String, flags: [String] = []) async throws -> String {
    let key = ([source] + flags).joined(separator: " ")
    let task = compiled.withLock { compiled in
      if let known = compiled[key] { return known }
      let output = "\(folder)/lib\(compiled.count).so"
      let task = Task { try await compile(source, flags: flags, to: output) }
      compiled[key] = task
      return task
    }
    return try await task.value
  }

  private static func compile(_ source: String, flags: [String], to output: String) async throws -> String {
    let checkout = BuiltProducts.checkout.path
    let include = "\(checkout)/Sources/CRegistryPlugin/include"
    let result = try await Tool.run(
      clang,
      [
        "-shared", "-fPIC", "-g0", "-O1", "-Wall", "-Werror", "-fvisibility=hidden", "-pthread", "-I",
        include,
      ]
        + flags + ["-o", output, source.hasPrefix("/") ? source : "\(checkout)/\(source)"])
    guard result.status == 0 else { throw Failure(description: result.output) }
    return output
  }

  /// The toolchain's C compiler.
  public static var clang: String {
    get throws {
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      for folder in path.split(separator: ":") {
        for program in ["clang", "swift"]
        where FileManager.default.isExecutableFile(atPath: "\(folder)/\(program)") {
          let real = URL(filePath: "\(folder)/\(program)").resolvingSymlinksInPath()
            .deletingLastPathComponent()
          let clang = real.appending(path: "clang").path
          if FileManager.default.isExecutableFile(atPath: clang) { return clang }
        }
      }
      throw Failure(description: "there is no clang in PATH or beside swift")
    }
  }
}
