"""A small model of our own that reads pixels, in jina-embeddings-v4's layout; its weights come with the installation."""
