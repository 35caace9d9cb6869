"""Shards over one database: each server answers for its part of what all of them share, and follows what is written to it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")
pytest.importorskip("psycopg", reason="a database needs the extra [postgres]")

from pagesight import Client, IndexConfig, SearchEngine, errors
from pagesight.engine.shards.cluster import Cluster
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.engine.shards.part import PartStore
from pagesight.storage.parts import Part
from pagesight.storage.postgres.store import PostgresStore
from tests.helpers import ROOT, add_document, make_pdf
from tests.postgres.server import Server, new_index
from tests.server.conftest import wait_for
from tests.server.test_process import started
from tests.shards.local import READS, SPACE, LocalShard, engine_over, fill, make_store, sha256_of
from tests.shards.test_merging import CONFIGS, FILTERS, QUESTIONS, many, same
from tests.shards.test_servers import KEY, TEXTS

pytestmark = pytest.mark.thorough
N = 3
PATH = {"PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}  # as this process finds the package


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same documents in a folder as one index, and in a database that three shards divide; and one who writes to both."""
    address, documents = new_index(), many(30)
    whole, shared = make_store(tmp_path_factory.mktemp("whole")), PostgresStore.create(address, SPACE)
    for store in (whole, shared):
        fill(store, documents)
    shards = [
        LocalShard(PartStore(PostgresStore(address), Part(number, N)), f"{number}/{N}") for number in range(1, N + 1)
    ]
    with engine_over(whole) as one, Coordinator(Cluster(shards), READS) as parts, shared:
        yield one, parts, (whole, shared)


def assert_alike(one, parts, question, **asked):
    """But for where the pages lie, the order of equal ones, and probabilities, which come from a sample in another order."""
    expected, found = in_order(one.search(question, **asked)), in_order(parts.search(question, **asked))
    assert [plain(hit) for hit in found] == [plain(hit) for hit in expected]
    for mine, other in zip(found, expected, strict=True):
        if other.confidence is not None:
            assert mine.confidence.right == pytest.approx(other.confidence.right, abs=1e-4)


def in_order(hits):
    return sorted(hits, key=lambda hit: (-hit.score, hit.sha256, hit.page))


def plain(hit):
    return replace(hit, rank=0, page_id=0, path=None, confidence=None)


@pytest.mark.parametrize("config", CONFIGS)
def test_parts_of_a_database_answer_as_one_index(both, config):
    one, parts, _ = both
    for question in (*QUESTIONS[:4], "term3 term17 green or3471"):
        for filters in FILTERS[:2]:
            assert_alike(one, parts, question, filters=filters, config=config)


def test_what_is_in_them_is_what_is_in_the_database(both):
    one, parts, _ = both
    assert parts.totals() == one.totals()
    documents = [replace(document, locations=(), added_at="") for document in one.documents()]
    assert [replace(document, added_at="") for document in parts.documents()] == documents
    for document in documents[:6]:
        name = document.document
        assert same(parts.similar(name, 1, k=4)) == same(one.similar(name, 1, k=4))
        assert parts.page_text(name, 2) == one.page_text(name, 2)


def test_what_is_written_is_found_by_the_shard_that_it_belongs_to(both):
    one, parts, stores = both
    for number in range(4):  # of several parts
        pages = [f"new{number} heather", f"green heather {number}"]
        for store in stores:
            with store.writer() as writer:
                assert add_document(writer, f"new/{number}.pdf", pages) == sha256_of(pages)
        assert_alike(one, parts, f"new{number} heather", k=200, exact=True)
    for store in stores:
        with store.writer() as writer:
            writer.remove_names([b"/docs/new/1.pdf"])
            writer.set_tags(sha256_of(["new2 heather", "green heather 2"]), {"colour": "purple"})
    assert_alike(one, parts, "new1 heather", k=200, exact=True)
    assert_alike(one, parts, "heather", filters="tag.colour = purple", exact=True)
    assert parts.totals() == one.totals()


@pytest.fixture
def server():
    made = Server(durable=True)
    made.start()
    yield made
    made.remove()


@pytest.mark.slow
def test_servers_over_a_database_that_is_written_to_and_dies(server, tmp_path):
    for name, text in TEXTS.items():
        (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / name).write_text(text)
    config = IndexConfig(text=True, n_processes=1)
    address = f"{server.url()}?cache={tmp_path}"
    with SearchEngine.open(address, model="hashing") as engine, ExitStack() as stack:
        engine.index([tmp_path / "docs"], config)

        def start(part, cache):
            index = f"{server.url()}?cache={tmp_path / cache}"
            arguments = ("--index", index, "--shard", part, "--quiet")
            return stack.enter_context(started(*arguments, PAGESIGHT_READ_ONLY_API_KEY=KEY, **PATH))[1]

        shards = [start("1/2", "one cache"), start("2/2", "one cache")]  # which servers of one machine share
        parts = stack.enter_context(Coordinator.open(",".join(shards), key=KEY))
        question = "repair a bicycle in the garden"

        def alike():
            found, expected = parts.search(question, k=20, exact=True), engine.search(question, k=20, exact=True)
            return sorted((hit.name, hit.score) for hit in found) == sorted((hit.name, hit.score) for hit in expected)

        assert alike()
        assert parts.totals() == engine.totals()
        make_pdf(tmp_path / "docs" / "rules.pdf", ["no grilling in the garden", "bicycles stand in the cellar"])
        engine.index([tmp_path / "docs"], config)
        assert alike()
        assert "rules.pdf:2" in [hit.name for hit in parts.search("bicycles stand in the cellar", k=3)]
        with Client(shards[0], key=KEY) as shard:  # asked itself, it has its own
            assert all(Part(1, 2).owns(one.sha256) for one in shard.documents())
        server.kill()
        with pytest.raises(errors.ShardUnavailable, match="cannot be reached"):
            parts.search(question)
        server.start()
        wait_for(lambda: answered(alike), 60)


def answered(alike):
    try:
        return alike()
    except errors.SearchEngineError:
        return False
