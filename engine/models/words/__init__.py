"""Models that read the words of a page."""
