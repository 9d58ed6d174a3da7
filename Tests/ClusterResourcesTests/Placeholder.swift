// ClusterResourcesTests
