// LocalNodeTests
