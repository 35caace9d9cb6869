"""The words of pages for BM25: how text is folded into terms, and the FTS5 table they live in.

Terms are runs of letters and digits, lower case, in Unicode's compatibility form (NFKC: ligatures and full-width forms
become plain letters). Chinese, Japanese and Korean write no spaces, so their runs become overlapping pairs of characters,
as most search engines do. SQLite's unicode61 tokenizer takes the accents off. Scores are SQLite's ``bm25()`` (k1 1.2, b 0.75).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_RUN = re.compile(r"[^\W_]+")
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PART = re.compile(f"[{_CJK}]+|[^{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")

MAX_QUERY_TERMS = 256  # a pasted page as a query: SQLite's expression depth is limited, and later terms add nothing

CREATE_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS page_terms USING fts5(terms, tokenize = 'unicode61 remove_diacritics 2')"
)


def terms(text: str) -> Iterator[str]:
    """Terms of a text, in order, with repetitions."""
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        for part in _PART.findall(run):
            if len(part) > 1 and _IS_CJK.match(part):
                yield from (part[i : i + 2] for i in range(len(part) - 1))
            else:
                yield part


def fold(text: str) -> str:
    """Text as the FTS5 table stores it."""
    return " ".join(terms(text))


def match_expression(query: str) -> str | None:
    """An FTS5 query that finds pages with any term of ``query``; None if it has no term."""
    distinct = list(dict.fromkeys(terms(query)))[:MAX_QUERY_TERMS]
    return " OR ".join(f'"{term}"' for term in distinct) or None
