import Testing

@Suite("Vectors of a member's life")
struct LifecycleVectorTests {
  @Test("the lifecycle gives what each vector expects", arguments: try LifecycleVector.all())
  func lifecycle(_ vector: LifecycleVector) throws {
    let faults = try vector.faults(TestedLifecycle.self)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("so does the naive rebuild", arguments: try LifecycleVector.all())
  func naive(_ vector: LifecycleVector) throws {
    let faults = try vector.faults(NaiveLifecycle.self)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("all of them are there")
  func count() throws {
    let vectors = try LifecycleVector.all()
    #expect(vectors.count == 61)
    #expect(vectors.map { $0.steps.filter { $0.expect != nil }.count }.reduce(0, +) == 101)
  }
}
