// The room PluginHost.
