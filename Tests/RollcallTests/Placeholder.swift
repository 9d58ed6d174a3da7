// RollcallTests
