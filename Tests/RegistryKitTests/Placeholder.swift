// RegistryKitTests
