"""Parts of an index, asked together, answer as one index with everything does: the same pages, the same bits of every score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagesight import SearchConfig, errors
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import Question
from pagesight.engine.shards import wire
from pagesight.engine.shards.cluster import Cluster
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.storage.parts import Part
from tests.helpers import add_document
from tests.shards.local import (
    READS,
    SPACE,
    LocalShard,
    cluster_of,
    engine_over,
    fill,
    make_store,
    sha256_of,
)

WORDS = ("red", "green", "blue", "white", "Blüe", "or3471", "OR-3471", "2024-03-05", "5", "kg", "colour", "meadow")
PAGE = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
DOCUMENTS = st.dictionaries(
    st.sampled_from([f"{folder}/{i}.pdf" for folder in "ab" for i in range(12)]),
    st.lists(PAGE, min_size=1, max_size=4),
    min_size=1,
    max_size=16,
).map(lambda documents: {name: pages for name, pages in documents.items() if any(pages)} or {"a/0.pdf": ["red"]})
QUESTIONS = (
    "green meadow",
    "OR-3471 red",
    "what was on 5 March 2024? and how many colours?",
    "colur of the medow",
    "5 kg",
    "blue or white? green or red?",
)
CONFIGS = (
    SearchConfig(exact=True),
    SearchConfig(exact=True, k=3, terms=False),
    SearchConfig(k=4),
    SearchConfig(k=2, n_candidates=100, mend=False),
    SearchConfig(k=5, min_confidence=0.3),
)
FILTERS = (None, 'folder = "a"', "page = 1", 'document = "nowhere"', "sha256 < 8")


def same(hits):
    """All that a hit says, but for the number that a store gives a page and where a file lies on its machine."""
    return [replace(hit, page_id=0) for hit in hits]


def whole_of(documents, folder=None):
    store = make_store(folder)
    fill(store, documents)
    return engine_over(store)


def assert_same(whole, parts, question, filters, config):
    assert same(parts.search(question, filters=filters, config=config)) == same(
        whole.search(question, filters=filters, config=config)
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, st.integers(1, 4), st.sampled_from(QUESTIONS), st.sampled_from(FILTERS), st.sampled_from(CONFIGS))
def test_hits_are_those_of_one_index(documents, n, question, filters, config):
    with whole_of(documents) as whole, cluster_of(documents, n)[0] as parts:
        assert_same(whole, parts, question, filters, config)


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, st.integers(2, 3))
def test_whatever_is_asked_of_one_index_is_answered_alike(documents, n):
    with whole_of(documents) as whole, cluster_of(documents, n)[0] as parts:
        assert parts.totals() == whole.totals()
        plain = [replace(one, locations=(), added_at="") for one in whole.documents()]
        assert [replace(one, added_at="") for one in parts.documents()] == plain
        total, some = parts.some_documents("page = 1", 1, 2)
        assert (total, [one.document for one in some]) == (len(plain), [one.document for one in plain[1:3]])
        assert parts.failures() == whole.failures() == []
        assert [same(hits) for hits in parts.search_many(QUESTIONS, k=3)] == [
            same(hits) for hits in whole.search_many(QUESTIONS, k=3)
        ]
        for one in plain[:3]:
            name = one.document
            assert same(parts.similar(name, 1, k=4)) == same(whole.similar(name, 1, k=4))
            for query in (None, "green medow"):
                assert same([parts.look_up(name, 1, query)]) == same([whole.look_up(name, 1, query)])
            assert parts.page_text(name, 1) == whole.page_text(name, 1)
        names = [(one.document, 1) for one in plain] + [("nowhere", 1)]
        (encoded,) = READS.encode_queries(["green meadow"])
        query = EncodedQuery(encoded.single, encoded.tokens, ("",) * len(encoded.tokens))
        assert parts.score_pages(names, query) == whole.score_pages(names, query)


def test_as_much_is_asked_of_parts_as_of_one_index(monkeypatch):
    documents = {f"{number}.pdf": [f"{word} meadow"] for number, word in enumerate(WORDS)}
    with whole_of(documents) as whole, cluster_of(documents, 2)[0] as parts:
        names = [(name, 1) for name in documents]
        (query,) = READS.encode_queries(["meadow"])
        monkeypatch.setattr(SearchConfig, "most_k", 10)
        found = parts.similar(*names[0], k=10)
        assert len(found) == 10
        assert same(found) == same(whole.similar(*names[0], k=10))
        assert parts.score_pages(names, query) == whole.score_pages(names, query)


@pytest.mark.parametrize("n", [1, 2])
def test_a_page_is_the_one_of_its_content_where_several_have_its_name(n):
    parts, shards = cluster_of({}, n)
    texts = ["red apples", "green meadows", "blue zebras", "white lamps"]
    for i, text in enumerate(texts):
        with shards[i % n].store.writer() as writer:
            add_document(writer, "report.pdf", [text], root=Path(f"/d{i}"))
    with parts:
        for text in texts:
            (hit,) = parts.search(text, k=1)
            assert parts.page_text(hit.document, 1, sha256=hit.sha256) == text
            assert parts.look_up(hit.document, 1, sha256=hit.sha256).path == hit.path
            like = parts.similar(hit.document, 1, sha256=hit.sha256)
            assert (len(like), hit.sha256 in {one.sha256 for one in like}) == (3, False)


@pytest.mark.parametrize("call", ["similar", "look_up", "page_text"])
def test_a_page_that_no_part_has(call):
    with cluster_of({"a.pdf": ["red"]}, 2)[0] as parts, pytest.raises(errors.UnknownHit, match=r"no page b\.pdf:1"):
        getattr(parts, call)("b.pdf", 1)


def many(n):
    """Documents with enough words and pages for numbers of the whole to differ from those of a part."""
    words = [*WORDS, *(f"term{i}" for i in range(40))]
    return {
        f"{'ab'[i % 2]}/{i}.pdf": [
            " ".join(words[(i * j + k * k) % len(words)] for k in range(4 + i % 9)) for j in range(1, 4)
        ]
        for i in range(n)
    }


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """One index in a folder, and four parts of it in others."""
    folder = tmp_path_factory.mktemp("parts")
    documents = many(60)
    parts, shards = cluster_of(documents, 4, folder)
    with whole_of(documents, folder / "whole") as whole, parts:
        yield whole, parts, shards


@pytest.mark.thorough
def test_of_the_embedded_store_too(embedded):
    whole, parts, _ = embedded
    for config in CONFIGS[:3]:
        assert_same(whole, parts, "term3 term17 green or3471 medow", 'folder = "a"', config)


@pytest.mark.slow
@pytest.mark.parametrize("question", [*QUESTIONS, "term3 term17 green or3471"])
@pytest.mark.parametrize("filters", [None, 'folder = "a"'])
def test_of_the_embedded_store_whatever_is_asked(embedded, question, filters):
    whole, parts, _ = embedded
    for config in (*CONFIGS, SearchConfig(k=20, n_candidates=400)):
        assert_same(whole, parts, question, filters, config)


def test_only_the_best_by_words_of_all_parts_count(embedded, monkeypatch):
    """There are 180 pages; of one index the best 1,000 by words count, here made fewer than a part has."""
    import pagesight.engine.ranking.terms
    import pagesight.engine.shards.asking
    import pagesight.engine.shards.desk

    for module in (pagesight.engine.ranking.terms, pagesight.engine.shards.asking, pagesight.engine.shards.desk):
        monkeypatch.setattr(module, "BEST_BY_WORDS", 25)
    whole, parts, shards = embedded
    for shard in shards:
        shard.asked.clear()
    for question in ("term3 green or3471 white", "blue kg term9"):
        assert_same(whole, parts, question, None, SearchConfig(exact=True, k=100))
    assert "words" in shards[0].asked


def test_a_part_by_its_own_numbers_scores_otherwise(embedded):
    """What the rounds before the search are for: a part alone has other weights of words."""
    whole, _, shards = embedded
    question, config = "term3 green or3471 white", SearchConfig(exact=True, k=100)
    expected = {(hit.sha256, hit.page): hit.score for hit in whole.search(question, config=config)}
    alone = [hit for shard in shards for hit in engine_over(shard.store).search(question, config=config)]
    assert any(expected.get((hit.sha256, hit.page), hit.score) != hit.score for hit in alone)


def test_more_parts_look_at_more_candidates(embedded):
    """With few of them, one index may miss what its parts find; never the other way round."""
    whole, parts, _ = embedded
    for question in ("term3 green white", "blue kg term9 meadow", "term30 red"):
        few = SearchConfig(k=5, n_candidates=10)
        best = [hit.score for hit in whole.search(question, k=5, exact=True)]
        found, one = ([hit.score for hit in searcher.search(question, config=few)] for searcher in (parts, whole))
        assert all(a >= b for a, b in zip(found, one, strict=True))
        assert found <= best


def test_equal_pages_come_in_the_order_of_their_content():
    documents = {f"{i}.pdf": ["green meadow"] * (i + 1) for i in range(6)}  # the same page again and again
    with cluster_of(documents, 3)[0] as parts:
        hits = parts.search("green meadow", k=30)
    assert [hit.score for hit in hits] == [hits[0].score] * 21
    assert [(hit.sha256, hit.page) for hit in hits] == sorted((hit.sha256, hit.page) for hit in hits)


def test_a_replica_finds_pages_by_other_numbers():
    """Replicas number pages as they were indexed; what another one found is known by content and number."""
    documents, stores = many(10), [make_store(), make_store()]
    fill(stores[0], documents)
    with stores[1].writer() as writer:
        for name in sorted(documents):
            add_document(writer, name, documents[name])
    first, replica = (LocalShard(store, None) for store in stores)
    ids = [store.view().find_page("a/0.pdf", 2) for store in stores]
    assert ids[0] != ids[1]
    with Coordinator(Cluster([first]), READS) as parts:
        expected = same(parts.search("green meadow"))
        first.ask = lambda name, body: (replica if name == "describe" else LocalShard(stores[0], None)).ask(name, body)
        assert same(parts.search("green meadow")) == expected


def test_what_is_in_two_parts_is_found_once():
    stores = [make_store() for _ in range(2)]
    for store in stores:
        fill(store, {"a.pdf": ["green meadow"]})
    cluster = Cluster([LocalShard(store, None) for store in stores])
    with Coordinator(cluster, READS) as parts:
        assert [hit.name for hit in parts.search("green")] == ["a.pdf:1"]


def test_a_part_of_a_whole_index_answers_for_its_own_documents():
    documents, n = many(30), 3
    store = make_store()
    fill(store, documents)
    with engine_over(store) as whole:
        names, pages = [], 0
        for number in range(1, n + 1):
            part = Part(number, n)
            only = type(whole).open(store.address, encoder=READS, part=str(part))
            owned = sorted(name for name, texts in documents.items() if part.owns(sha256_of(texts)))
            assert [one.document for one in only.documents()] == owned
            found = only.search("green meadow", k=1000, exact=True)
            assert {hit.document for hit in found} <= set(owned)
            assert only.totals().n_documents == len(owned)
            foreign = next(name for name in documents if name not in owned)
            with pytest.raises(errors.UnknownHit):
                only.look_up(foreign, 1)
            names += owned
            pages += only.totals().n_pages
        assert (sorted(names), pages) == (sorted(documents), whole.totals().n_pages)


def test_a_part_that_is_down():
    documents = many(30)
    strict, shards = cluster_of(documents, 3)
    shards[1].down = True
    with strict, pytest.raises(errors.ShardUnavailable, match="part 2/3: it is down"):
        strict.search("green meadow")
    partial, shards = cluster_of(documents, 3, partial=True)
    with partial:
        everything = partial.search("green meadow", k=100)
        shards[1].down = True
        with partial.view() as view:
            found = partial.search("green meadow", k=100, view=view)
            assert view.missing == {"part 2/3": "it is down"}
        left = [hit.name for hit in everything if not Part(2, 3).owns(hit.sha256)]
        assert sorted(hit.name for hit in found) == sorted(left)
        for shard in shards:
            shard.down = True
        with pytest.raises(errors.ShardUnavailable, match="part 1/3: it is down; part 2/3"):
            partial.search("green meadow")


def test_a_part_that_was_down_from_the_beginning():
    _, shards = cluster_of(many(10), 2)
    shards[1].down = True
    with pytest.raises(errors.ShardUnavailable):
        Cluster(shards)
    with Coordinator(Cluster(shards, partial=True), READS) as parts:
        assert parts.search("green").missing == {"part 2/2": "it is down"}
        shards[1].down = False
        assert parts.search("green", k=100).missing == {}
        assert parts.totals().n_documents == 10
        shards[1].part = "1/2"
        with pytest.raises(errors.ShardMismatch):
            parts.search("green")


@pytest.mark.parametrize(
    ("parts", "spaces", "match"),
    [
        (("1/2", "1/2"), (SPACE, SPACE), "are both part 1/2"),
        (("1/3", "2/3"), (SPACE, SPACE), "there are 3 shards; 2 were named"),
        (("1/2", None), (SPACE, SPACE), "all are parts, or none"),
        (("1/2", "2/2"), (SPACE, replace(SPACE, fingerprint="other")), "was made with .* fingerprint other"),
        (("1/2", "2/2"), (SPACE, replace(SPACE, codec="float16")), "codec float16"),
    ],
)
def test_what_are_not_parts_of_one_index(parts, spaces, match):
    shards = [LocalShard(make_store(space=space), part) for part, space in zip(parts, spaces, strict=True)]
    with pytest.raises(errors.ShardMismatch, match=match):
        Cluster(shards)


def test_a_part_that_became_another_is_refused():
    cluster, shards = cluster_of(many(10), 2)
    with cluster:
        shards[0].part = "2/2"
        with pytest.raises(errors.ShardMismatch, match="part of this shard is 2/2, not 1/2"):
            cluster.search("green")


def test_errors_of_the_question_are_those_of_one_index():
    with cluster_of(many(10), 2)[0] as parts:
        with pytest.raises(errors.EmptyQuery):
            parts.search("?")
        with pytest.raises(errors.BadFilter, match="no such field"):
            parts.search("green", filters="colour = red")
        with pytest.raises(errors.ConfigError, match="process that searches"):
            parts.search("green", score_on="cuda")


@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(1, 1024))
def test_each_document_has_one_part_and_doubling_halves_it(sha256, n):
    owners = [number for number in range(1, n + 1) if Part(number, n).owns(sha256)]
    assert len(owners) == 1
    if 2 * n <= 1024:
        halves = [number for number in (2 * owners[0] - 1, 2 * owners[0]) if Part(number, 2 * n).owns(sha256)]
        assert len(halves) == 1


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/2000", "a/b", "-1/2", "1/2/3"])
def test_what_is_no_part(text):
    with pytest.raises(errors.ConfigError, match="part"):
        Part.parse(text)


@pytest.mark.parametrize("tokens", [np.empty((0, 4)), np.ones(4), np.full((2, 4), np.nan)])
def test_a_question_without_token_vectors_is_refused(tokens):
    encoded = EncodedQuery(np.ones(4, np.float32), tokens.astype(np.float32), ())
    with pytest.raises(errors.ShardMismatch, match="a question has token vectors"):
        wire.question_of(wire.question_json(Question(encoded=encoded)))
