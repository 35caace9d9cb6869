"""Finding candidates: by single vector, and by means of token vectors."""
