"""What the server answers, a module a part of its API."""
