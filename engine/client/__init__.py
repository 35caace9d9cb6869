"""An index on a server, by its address."""
