// The room RegistryConformance.
