"""The whole way of a page, by kinds of pages and stages: see benchmarks.pages.__main__."""
