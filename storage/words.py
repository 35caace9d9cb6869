"""The words of pages for BM25: how text is folded into terms, and the FTS5 table they live in.

Terms are runs of letters and digits, lower case, in Unicode's compatibility form (NFKC: ligatures and full-width forms
become plain letters), digits of any script as 0 to 9, without what is not seen (soft hyphens, joiners) and without marks that
do not become one character with their letter (vowel signs of Hindi, points of Arabic), at which SQLite's unicode61 tokenizer would
cut words. Chinese, Japanese, Korean and Thai write no spaces or few, so their runs become overlapping pairs of characters, as most
search engines do. The tokenizer takes the accents off. Scores are SQLite's ``bm25()`` (k1 1.2, b 0.75).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.hyphens import broken_words
from pagesight.storage.values import PageWords

_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_RUN = re.compile(r"[^\W_]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # Thai, Lao, Burmese, Khmer; CJK
)

MAX_QUERY_TERMS = 256  # a pasted page as a query: SQLite's expression depth is limited, and later terms add nothing

# SQLite ranks a twentieth of the pages, at 1 to 2 microseconds each, within these bounds.
SHARE_OF_MATCHES, FEW_MATCHES, MOST_MATCHES = 0.05, 10_000, 50_000
K1_AND_ONE = 2.2  # what a term's weight is multiplied by on a page that is full of it
CREATE_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS page_terms USING fts5(terms, tokenize = 'unicode61 remove_diacritics 2')"
)

# Which terms there are, and on how many pages: a table that SQLite makes up from the one above, for one connection.
CREATE_VOCABULARY = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.page_vocabulary USING fts5vocab('main', 'page_terms', 'row')"
)

# And one row for each place where a term stands.
CREATE_INSTANCES = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.page_instances USING fts5vocab('main', 'page_terms', 'instance')"
)


def row_length(size: bytes) -> int:
    """How many terms a row has, of FTS5's own record of it: a number of 7 bits a byte, the highest bits first (SQLite's varint)."""
    number = 0
    for byte in size[:8]:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return number


def visible(text: str) -> str:
    """A text without the characters that nobody sees: controls, soft hyphens, joiners, marks of direction."""
    return _UNSEEN.sub("", text)


def terms(text: str) -> Iterator[str]:
    """Terms of a text, in order, with repetitions."""
    yield from _terms(_OTHER_DIGIT.sub(lambda found: str(unicodedata.digit(found.group())), text))


@cache
def _unspaced() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What cuts a run into parts with and without these characters, and what tells one. Compiled for who needs it: it takes 10 ms."""
    return re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+"), re.compile(f"[{_UNSPACED}]")


def _terms(text: str) -> Iterator[str]:
    for run in _RUN.findall(_unmarked(unicodedata.normalize("NFKC", visible(text)).lower())):
        if run.isascii():
            yield run
            continue
        parts, is_unspaced = _unspaced()
        for part in parts.findall(run):
            if len(part) > 1 and is_unspaced.match(part):
                yield from (part[i : i + 2] for i in range(len(part) - 1))
            else:
                yield part


def _unmarked(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in text if c.isascii() or not unicodedata.category(c).startswith("M"))


def fold(text: str) -> str:
    """Text as the FTS5 table stores it."""
    return " ".join(terms(text))


def without_accents(term: str) -> str:
    """A term as the FTS5 table looks it up."""
    if term.isascii():  # as most are: a hundred times as fast
        return term
    parts = unicodedata.normalize("NFD", term)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def bare_fold(text: str) -> str:
    """Text as the FTS5 table looks it up."""
    return without_accents(fold(text))


def fold_page(words: PageWords) -> str:
    """The words of a page as the FTS5 table stores them: as they stand, then the wholes of those that a line's end breaks."""
    return fold(" ".join([*words.texts, *(word.text for word in broken_words(words))]))


def query_terms(query: str) -> list[str]:
    """The distinct terms of a question, in order.

    Digits are looked for in their own script, too: indexes made before they became 0 to 9 have them so.
    """
    return list(dict.fromkeys([*terms(query), *_terms(query)]))[:MAX_QUERY_TERMS]


def telling(n_pages_with: Mapping[str, int], n_pages: int) -> list[str]:
    """The terms that are worth asking for: those that are on some page and on no more than half of all, or else what there is.

    BM25 gives a term on more than half of the pages a weight of 1e-6 (SQLite, as Lucene once did): the order among pages with
    any other term is the same without it. It is what takes the time: on 30,000 pages a question with stop words took 150 ms.
    Where all together are on more than SHARE_OF_MATCHES of the pages, and on more than FEW_MATCHES, only the rarest are asked for,
    which bounds the time (100,000 pages of words of real ones, p50 31 ms to 8; a million: 514 ms to 20). What the others would have
    added to the order is lost: held to 5% of the pages, BM25 alone finds 0.39 instead of 0.88 and 0.70 instead of 0.92 of what answers
    among its first 50 of sample_docs and of 223 other pages, and nDCG@5 of a whole search, which looks at single vectors and means
    too, stays (+0.003, -0.003).
    """
    known = [term for term, n in n_pages_with.items() if n]
    rare = [term for term in known if n_pages_with[term] <= n_pages / 2] or known
    rarest_first = sorted(rare, key=lambda term: n_pages_with[term])
    together = dict(zip(rarest_first, accumulate(n_pages_with[term] for term in rarest_first), strict=True))
    most = min(max(SHARE_OF_MATCHES * n_pages, FEW_MATCHES), MOST_MATCHES)
    return [term for term in rare if together[term] <= most] or rarest_first[:1]


def match_expression(distinct: Sequence[str]) -> str | None:
    """An FTS5 query that finds pages with any of these terms; None if there is none."""
    return " OR ".join(f'"{term}"' for term in distinct) or None


@dataclass(frozen=True, slots=True, eq=False)
class WordScores:
    """Pages by BM25 of a question's words, best first, ties by page id.

    page_ids: (n,) int64. shares: (n,) float32 in [0, 1], of the largest score that BM25 could give a page for this question.
    """

    page_ids: NDArray[np.int64]
    shares: NDArray[np.float32]

    @classmethod
    def none(cls) -> WordScores:
        """No page has a word of the question."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))


def largest_score(n_pages: int, n_with: Iterable[int]) -> float:
    """The limit of BM25 as a page is filled with a question's terms. n_with: for each of them, how many of the pages have it.

    Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework"; a term that no page has counts as the rarest does.
    """
    weights = (math.log((n_pages - n + 0.5) / (n + 0.5)) for n in (min(n, n_pages) for n in n_with))
    return K1_AND_ONE * sum(max(weight, 1e-6) for weight in weights)


def squeezed(text: str) -> str:
    """Letters and digits alone, as ``terms`` folds them: "WRL-15663" and "wrl 15663" are the same."""
    return "".join(terms(text))
