"""One file, one page: what a reading process does."""
