/// libFuzzer's entry: any broken rule ends the process, which is what libFuzzer looks for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: data, count: count))
  do {
    try InventoryFuzz.check(input)
  } catch {
    fatalError("\(error)")
  }
  return 0
}
