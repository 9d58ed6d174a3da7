// RollcallConfigurationTests
