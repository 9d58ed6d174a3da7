// StaticFileRegistryTests
