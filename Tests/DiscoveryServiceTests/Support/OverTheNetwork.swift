import Testing

/// Tests with sockets, one after another: together they would wait for each other's turns on a small machine.
@Suite(.serialized) enum OverTheNetwork {}
