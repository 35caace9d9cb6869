"""The HTTP server: one process that holds opened indexes and answers programs, people and agents."""
