// ServicePlugin
