// StaticFileRegistry
