"""Documents, files, pages, words and state as rows of SQLite."""
