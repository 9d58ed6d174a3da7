// The room ClusterResources.
