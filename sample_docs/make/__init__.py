"""The generator of the sample documents: `python -m sample_docs.make [--out DIR] [NAME...]`."""
