"""Training: losses, data and phases that turn an open checkpoint into one for your own documents."""
