"""Vectors as bytes on disk: codecs, segments of pages, files of rows."""
