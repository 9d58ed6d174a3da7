// StaticFilePlugin
