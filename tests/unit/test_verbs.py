"""Verbs check what they are given when they are called."""

import pytest

from pagesight import IndexConfig, SearchConfig, SearchEngine
from pagesight.storage.errors import BadFilter, CodecMismatch, ConfigError, ModelMismatch


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    for name, text in (("a.txt", "alpha beta"), ("b.txt", "gamma delta")):
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def engine(docs):
    """Not to be written to."""
    with SearchEngine.open("memory://verbs", model="hashing") as opened:
        opened.index([docs], IndexConfig(text=True, n_processes=1))
        yield opened


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda e: e.search_many(["alpha"], k=0), ConfigError, "k must be from 1"),
        (lambda e: e.search("alpha", n_candidates=0), ConfigError, "n_candidates must be at least 1"),
        (lambda e: e.search("alpha", nonsense=1), ConfigError, "no setting nonsense of a search; there are exact, k"),
        (lambda e: e.search_many("alpha"), ConfigError, "must be a list of questions"),
        (lambda e: e.search_many([], filters="colour = red"), BadFilter, "no such field"),
        (lambda e: e.iter_index("docs"), ConfigError, r"not the one 'docs'; write \['docs'\]"),
        (lambda e: e.index([3]), ConfigError, "must be a list of files and folders"),
        (lambda e: e.remove(), ConfigError, "say what to remove"),
        (lambda e: e.remove(filters="colour = red"), BadFilter, "no such field"),
        (lambda e: e.measure(n_queries=0), ConfigError, "n_queries must be at least 1"),
        (lambda e: IndexConfig(ocr="magic"), ConfigError, "ocr must be one of auto, off, tesseract, not 'magic'"),
        (lambda e: SearchEngine.open(e.address, codec="float16"), CodecMismatch, "codec int8, not float16"),
        (lambda e: SearchEngine.open(e.address, pool_factor=2), CodecMismatch, "pool_factor 1, not 2"),
        (lambda e: SearchEngine.open(e.address, codec="int3"), ConfigError, "no token codec 'int3'"),
        (lambda e: SearchEngine.open(e.address, model="all-MiniLM-L6-v2"), ModelMismatch, "built with hashing"),
        (lambda e: SearchEngine.open(""), ConfigError, "address of an index is empty"),
        (lambda e: SearchEngine.open("ftp://x"), ConfigError, "no store for ftp://"),
    ],
)
def test_what_cannot_be_is_refused_by_the_call(engine, call, error, match):
    with pytest.raises(error, match=match):
        call(engine)
    assert len(engine.documents()) == 2


def test_a_configuration_and_its_fields_say_the_same(engine):
    assert engine.search("alpha gamma", k=1) == engine.search("alpha gamma", config=SearchConfig(k=1))
    assert len(engine.search("alpha gamma", config=SearchConfig(k=1), k=2)) == 2
    assert engine.search_many(["alpha", "gamma"], k=1) == [engine.search(text, k=1) for text in ("alpha", "gamma")]


def test_stages_are_told_to_who_wants_to_know(engine):
    told = []
    engine.search("alpha", on_stage=lambda stage, seconds: told.append((stage, seconds >= 0)))
    assert told == [("encode", True), ("recall", True), ("rerank", True), ("describe", True)]


def test_everything_is_removed_by_the_explicit_word_only(docs):
    with SearchEngine.open("memory://removed", model="hashing") as engine:
        summary = engine.index([docs], IndexConfig(text=True, n_processes=1))
        assert (len(summary), summary.n_pages, summary.failed) == (2, 2, ())
        assert summary.counts == {"indexed": 2}
        assert engine.remove("[!a]*") == ["b.txt"]
        assert engine.remove(everything=True) == ["a.txt"]
        assert engine.documents() == []
