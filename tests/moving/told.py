"""What an index tells, without the ids it happens to give its pages: equal, to the last bit, in an index and its copy."""

from __future__ import annotations

from dataclasses import replace

from pagesight.engine.config import SearchConfig
from tests.conformance.answers import FILTERS, QUESTIONS, hits_of


def told(view):
    ids = view.page_ids()
    described, details = view.describe(ids), view.details(ids)

    def place(page_id):
        return described[page_id].sha256, described[page_id].number

    return {
        "pages": {place(i): replace(described[i], page_id=0) for i in ids.tolist()},
        "words": {place(i): (details[i].words.texts, details[i].words.boxes.tobytes()) for i in ids.tolist()},
        "tokens": {place(i): (details[i].tokens.tobytes(), details[i].boxes.tobytes()) for i in ids.tolist()},
        "singles": {place(i): view.single(i).tobytes() for i in ids.tolist()},
        "documents": [replace(document, added_at="") for document in view.documents()],
        "failures": [replace(failure, at="") for failure in view.failures()],
        "totals": view.totals(),
        "files": {at: replace(file, added_at="") for at, file in view.known_files().items()},
        "indexed": view.indexed_files(),
        "known failures": view.known_failures(),
        "shares": [shares_by_place(view, text, place) for text in QUESTIONS],
        "scores": [scores_by_place(view, text, filters) for text in QUESTIONS for filters in FILTERS[:2]],
    }


def shares_by_place(view, text, place):
    found = view.nearest_by_words(text, 1000, None)
    known = view.describe(found.page_ids)
    return {
        (known[i].sha256, known[i].number): s
        for i, s in zip(found.page_ids.tolist(), found.shares.tolist(), strict=True)
    }


def scores_by_place(view, text, filters):
    """Exact scores, where each is what is stored says: not a bit more or less."""
    hits = hits_of(view, text, filters, SearchConfig(k=1000, exact=True, n_candidates=1000), weight=0.6)
    return {(document, page): (score, box) for _, score, document, page, _, box in hits}


def history(writer, add_document, source_file):
    """Some of everything that can be in an index."""
    add_document(writer, "a/x.pdf", ["green white", "", "red red blue"])
    twice = add_document(writer, "y.pdf", ["black letters", "white on black"])
    writer.add_name(twice, source_file("b/copy of y.pdf"))
    writer.set_tags(twice, {"colour": "dark"})
    add_document(writer, "b/z.png", ["red grey"], kind="image")
    add_document(writer, "a/x.pdf", ["green white", "another green", "white"])
    add_document(writer, "a/gone.pdf", ["never seen"])
    writer.remove_names([b"/docs/a/gone.pdf"])
    writer.record_failure(source_file("b/bad.pdf"), "failed", "it is damaged", drop=True)
