"""Indexes on disk."""
