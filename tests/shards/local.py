"""Shards in this process, and an encoder that has all that scores can depend on."""

from __future__ import annotations

import hashlib
import itertools
import json

from pagesight.engine.api import SearchEngine
from pagesight.engine.models.hashing import HashingEncoder
from pagesight.engine.shards.cluster import Cluster
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.engine.shards.desk import answered, state_of
from pagesight.engine.shards.shard import NoAnswer
from pagesight.storage.manifest import Space
from pagesight.storage.memory import MemoryStore
from pagesight.storage.parts import Part
from pagesight.storage.store import Store
from tests.helpers import add_document

_numbers = itertools.count()


class Reads(HashingEncoder):
    """Goes by a name whose ranking has every term; its first pages count, and it knows few words."""

    name = "multilingual-e5-small"
    reads_words = True
    opening_weight = 0.3

    def surprise(self, word: str) -> tuple[float, int]:
        return (5.0, 1) if word in ("red", "green", "blue") else (20.0, 3)


READS = Reads()
SPACE = Space(
    encoder=READS.name,
    fingerprint=READS.fingerprint,
    single_dim=READS.single_dim,
    token_dim=READS.token_dim,
)


class LocalShard:
    """As over HTTP, without it: what is asked and answered is JSON."""

    def __init__(self, store, part: str | None) -> None:
        self.store, self.part, self.down = store, part, False
        self.asked: list[str] = []

    @property
    def label(self):
        return f"part {self.part}"

    def ask(self, name, body):
        self._check(name)
        with self.store.view() as view:
            return json.loads(json.dumps(answered(view, self.part, name, json.loads(json.dumps(body)))))

    def state(self):
        self._check("state")
        with self.store.view() as view:
            return json.loads(json.dumps(state_of(view, self.part)))

    def _check(self, name):
        self.asked.append(name)
        if self.down:
            raise NoAnswer("it is down")

    def close(self):
        self.store.close()


def make_store(folder=None, space=SPACE):
    """In memory, or in a folder."""
    if folder is None:
        return MemoryStore.create(f"memory://shards-{next(_numbers)}", space)
    return Store.create(folder, space)


def sha256_of(pages):
    """As ``add_document`` makes it."""
    return hashlib.sha256("\f".join(pages).encode()).hexdigest()


def fill(store, documents):
    """documents: name -> texts of pages. In the order of their content, as shards are."""
    with store.writer() as writer:
        for name, pages in sorted(documents.items(), key=lambda item: sha256_of(item[1])):
            add_document(writer, name, pages)


def engine_over(store):
    return SearchEngine.open(store.address, encoder=READS)


def cluster_of(documents, n, folder=None, *, partial=False):
    """A coordinator, and its shards."""
    shards = []
    for number in range(1, n + 1):
        part = Part(number, n)
        store = make_store(None if folder is None else folder / f"{number}-{n}")
        fill(store, {name: pages for name, pages in documents.items() if part.owns(sha256_of(pages))})
        shards.append(LocalShard(store, str(part)))
    return Coordinator(Cluster(shards, partial=partial), READS), shards
