"""An index in PostgreSQL: one database that many machines write to and search.

    SearchEngine.open("postgresql://user@host/database?index=reports")

What is large (token vectors, their boxes, the words of pages) stays there and is fetched for the few pages that are scored and
shown. What finds candidates (single vectors, means, terms, and all that filters ask) is derived, and each machine that searches
keeps it in a folder of its own, an embedded index without token vectors (storage.postgres.cache), which follows the database's
changes. So the recall stage, the kernel, filters and BM25 are those of the embedded store, and so are the hits.
"""
