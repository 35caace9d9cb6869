"""What is on a page beside its words: where its pictures are, and what kind each is of."""
