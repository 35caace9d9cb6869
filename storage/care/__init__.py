"""Looking after an index: verifying, compacting, upgrading."""
