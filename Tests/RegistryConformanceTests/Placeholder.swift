// RegistryConformanceTests
