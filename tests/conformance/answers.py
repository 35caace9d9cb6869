"""What a view answers, as values that can be compared with those of another store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pagesight.engine.config import SearchConfig
from pagesight.engine.describe import describe
from pagesight.engine.retrieval import Question, search
from tests.helpers import HASHING

QUESTIONS = ("green white", "black", "red red blue")
FILTERS = (
    None,
    'folder = "a"',
    "page = 1 and not document ~ b/*",
    "tag.colour in (dark, light)",
    "kind = image",
    "picture in (chart, map)",
    "picture !~ *chart",
)
ROUNDING = 2e-3  # of a query to 15 bits, over its tokens


def hits_of(view, text, filters, config, weight=0.0):
    """(page id, score, document, page, best region), best first."""
    (encoded,) = HASHING.encode_queries([text])
    question = Question(encoded=encoded, text=text, filters=filters, opening_weight=weight)
    found = search(question, view, config)
    return [(h.page_id, h.score, h.document, h.page, h.kind, h.regions[0].box) for h in describe(found, encoded, view)]


def shares_of(found):
    """Shares of BM25 by page id, which is how equal ones are ordered."""
    return found.shares[np.argsort(found.page_ids)]


def everything(view):
    """All that can be asked of a view, but for times and searches."""
    ids = view.page_ids()
    described, details = view.describe(ids), view.details(ids)
    return {
        "ids": ids.tolist(),
        "filtered": [view.page_ids(filters).tolist() for filters in FILTERS],
        "pages": [replace(described[i], root=None, location=None) for i in ids.tolist()],
        "words": [details[i].words.texts for i in ids.tolist()],
        "tokens": view.tokens(ids).data,
        "boxes": np.concatenate([np.empty((0, 4)), *(details[i].boxes for i in ids.tolist())]),
        "openings": view.opening_pages(ids).tolist(),
        "singles": np.array([view.single(i) for i in ids.tolist()]),
        "documents": [replace(document, added_at="") for document in view.documents()],
        "some documents": [document.names for document in view.documents(FILTERS[1])],
        "failures": [replace(failure, at="") for failure in view.failures()],
        "totals": view.totals(),
        "files": {known: replace(file, added_at="") for known, file in view.known_files().items()},
        "known failures": view.known_failures(),
        "indexed": view.indexed_files(),
        "by words": [sorted(view.nearest_by_words(text, 100, None).page_ids.tolist()) for text in QUESTIONS],
        "shares": np.concatenate([shares_of(view.nearest_by_words(text, 100, None)) for text in QUESTIONS]),
        "counts": view.n_tokens(ids).tolist(),
        "strings": [view.pages_with(string, ids).tolist() for string in ("greenwhite", "black", "reen", "nowhere")],
        "phrases": [
            view.pages_with_phrases(phrases, most).tolist()
            for phrases in (["green white"], ["white green", "black"], ["red", "Blüe"], ["nowhere"], ["...", ""], [])
            for most in (1, 1000)
        ],
        "vocabulary": [
            view.vocabulary(("g", "bl"), ("white",)),
            view.vocabulary((), ("red", "none")),
            view.vocabulary(()),
        ],
        "spelt": [view.spelt(term) for term in ("green", "blue", "nowhere", "no term", "")],
        "named": [view.find_page(page.document, page.number) for page in described.values()],
    }


def assert_same(found, expected):
    """Equal, and vectors and boxes within what their storage rounds."""
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(found[name], value, atol=1e-3, err_msg=name)
        else:
            assert found[name] == value, name


def searches(view):
    """Rankings, exact and in two stages that keep everything."""
    configs = (SearchConfig(k=4, exact=True), SearchConfig(k=50, n_candidates=1000))
    return [
        hits_of(view, text, filters, config, weight)
        for text in QUESTIONS
        for filters in FILTERS[:3]
        for config in configs
        for weight in (0.0, 0.6)
    ]


def assert_same_searches(found, expected):
    """Equal scores up to rounding, and the same pages wherever scores differ by more than that."""
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose([hit[1] for hit in ours], [hit[1] for hit in theirs], atol=ROUNDING)
        by_page = {hit[0]: hit for hit in theirs}
        last = theirs[-1][1] if theirs else 0
        for hit in ours:
            if hit[0] in by_page:
                other = by_page[hit[0]]
                assert abs(hit[1] - other[1]) < ROUNDING
                assert hit[2:5] == other[2:5]
                np.testing.assert_allclose(hit[5], other[5], atol=1e-3)
            else:
                assert abs(hit[1] - last) < ROUNDING  # one of several with the last score
