"""The store behaves like a dict of documents, reopened at random."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pagesight.engine.maxsim import maxsim
from pagesight.engine.models.hashing import HashingEncoder
from pagesight.storage.store import Store
from tests.helpers import add_document, source_file, space

names = st.sampled_from([f"{folder}{name}.pdf" for folder in ("", "a/", "b/") for name in "xyz"])
texts = st.lists(st.sampled_from("red green blue white black grey".split()), max_size=4).map(" ".join)
documents = st.lists(texts, min_size=1, max_size=3)


class StoreMachine(RuleBasedStateMachine):
    """``files`` is the truth: name -> page texts."""

    @initialize(codec=st.sampled_from(["int8", "float16"]))
    def create(self, codec):
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store.create(self.folder, space(codec))
        self.files: dict[str, list[str]] = {}
        self.ids_seen: dict[int, tuple[str, int]] = {}

    @rule(name=names, pages=documents)
    def add_or_replace(self, name, pages):
        with self.store.writer() as writer:
            add_document(writer, name, pages)
        self.files[name] = pages

    @rule(name=names, pages=documents)
    def abandon(self, name, pages):
        with self.store.writer() as writer:
            try:
                with writer.draft() as draft:
                    from tests.helpers import new_page

                    for number, text in enumerate(pages, start=1):
                        draft.add_page(new_page(number, text))
                    raise KeyboardInterrupt  # noqa: TRY301
            except KeyboardInterrupt:
                pass

    @rule(name=names, other=names)
    def copy(self, name, other):
        if name in self.files:
            with self.store.writer() as writer:
                writer.add_name(hashlib.sha256("\f".join(self.files[name]).encode()).hexdigest(), source_file(other))
            self.files[other] = self.files[name]

    @rule(name=names)
    def remove(self, name):
        with self.store.writer() as writer:
            writer.remove_names([f"/docs/{name}".encode()])
        self.files.pop(name, None)

    @rule()
    def reopen(self):
        self.store.close()
        self.store = Store(self.folder)

    @invariant()
    def holds_what_was_put_in(self):
        with self.store.view() as view:
            listed = {name: document for document in view.documents() for name in document.names}
            assert set(listed) == set(self.files)
            for name, pages in self.files.items():
                assert listed[name].n_indexed_pages == len(pages)
                for number, text in enumerate(pages, start=1):
                    page_id = view.find_page(name, number)
                    assert view.detail(page_id).words.texts == tuple(text.split())

    @invariant()
    def scores_are_those_of_the_words(self):
        query = HashingEncoder().encode_queries(["green white"])[0]
        with self.store.view() as view:
            ids = view.page_ids()
            scores = maxsim(query.tokens, view.tokens(ids))
            known = view.describe(ids)
            for page_id, score in zip(ids.tolist(), scores.tolist(), strict=True):
                page = known[page_id]
                words = self.files[page.document][page.number - 1].split()
                found = sum(word in words for word in ("green", "white"))
                assert score > found - 0.05 if found else score < 1.9
            assert len(ids) == len(
                {(tuple(p), n) for p in map(tuple, self.files.values()) for n, t in enumerate(p) if t}
            )
            assert np.array_equal(ids, np.unique(ids))

    @invariant()
    def page_ids_are_never_used_again(self):
        with self.store.view() as view:
            for page_id, page in view.describe(view.page_ids()).items():
                content = (page.sha256, page.number)
                assert self.ids_seen.setdefault(page_id, content) == content

    @invariant()
    def bm25_finds_the_words(self):
        with self.store.view() as view:
            found = view.nearest_by_words("blue", 1000, None)
            expected = {(tuple(p), n) for p in self.files.values() for n, t in enumerate(p) if "blue" in t.split()}
            assert len(found) == len(expected)

    def teardown(self):
        if hasattr(self, "store"):
            result = self.store.examine()
            assert result.findings == ()
            self.store.close()
            shutil.rmtree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
