"""Any store, after any history, answers as the definition does: also while views of earlier states are open, while it is looked
after, and for another opening of the same index."""

import hashlib

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.conformance.answers import assert_same, assert_same_searches, everything, searches
from tests.conformance.stores import PLACES, InMemory
from tests.helpers import add_document, new_page, source_file, space

names = st.sampled_from([f"{folder}{name}.pdf" for folder in ("", "a/", "b/") for name in "xy"])
texts = st.lists(st.sampled_from("red green blue white black grey".split()), max_size=4).map(" ".join)
documents = st.lists(texts, min_size=1, max_size=3)
MAX_HELD = 2


class StoreMachine(RuleBasedStateMachine):
    """``store`` is examined, ``model`` is the definition, ``files`` what was put in, by name."""

    place_class = InMemory

    @initialize(codec=st.sampled_from(["int8", "float16", "int4"]), pool_factor=st.sampled_from([1, 2]))
    def create(self, codec, pool_factor):
        self.place, self.model_place = self.place_class(), InMemory()
        chosen = space(codec, pool_factor)
        self.store, self.model = self.place.create(chosen), self.model_place.create(chosen)
        self.other = self.place.open()
        self.files: dict[str, list[str]] = {}
        self.ids_seen: dict[int, tuple[str, int]] = {}
        self.held: list[tuple[object, object]] = []

    def write(self, change):
        for store in (self.store, self.model):
            with store.writer() as writer:
                change(writer)

    @rule(name=names, pages=documents, kind=st.sampled_from(["pdf", "image"]))
    def add_or_replace(self, name, pages, kind):
        self.write(lambda writer: add_document(writer, name, pages, kind=kind))
        self.files[name] = pages

    @rule(name=names, pages=documents)
    def abandon(self, name, pages):
        def begin(writer):
            try:
                with writer.draft() as draft:
                    for number, text in enumerate(pages, start=1):
                        draft.add_page(new_page(number, text))
                    raise KeyboardInterrupt  # noqa: TRY301
            except KeyboardInterrupt:
                pass

        self.write(begin)

    @rule(name=names, other=names)
    def copy(self, name, other):
        if name in self.files:
            sha256 = hashlib.sha256("\f".join(self.files[name]).encode()).hexdigest()
            self.write(lambda writer: writer.add_name(sha256, source_file(other)))
            self.files[other] = self.files[name]

    @rule(name=names, colour=st.sampled_from(["dark", "light"]))
    def tag(self, name, colour):
        if name in self.files:
            sha256 = hashlib.sha256("\f".join(self.files[name]).encode()).hexdigest()
            self.write(lambda writer: writer.set_tags(sha256, {"colour": colour}))

    @rule(name=names, drop=st.booleans())
    def fail(self, name, drop):
        self.write(lambda writer: writer.record_failure(source_file(name), "failed", "it is damaged", drop=drop))
        if drop:
            self.files.pop(name, None)

    @rule(some=st.lists(names, max_size=3))
    def remove(self, some):
        self.write(lambda writer: writer.remove_names([f"/docs/{name}".encode() for name in some]))
        for name in some:
            self.files.pop(name, None)

    @rule()
    def optimize(self):
        self.store.optimize()

    @rule()
    def examine(self):
        assert self.other.examine(drop_damaged=True).findings == ()

    @rule()
    def reopen(self):
        self.store.close()
        self.store = self.place.open()

    @rule()
    def hold(self):
        if len(self.held) < MAX_HELD:
            self.held.append((self.other.view(), self.model.view()))

    @rule()
    def release(self):
        if self.held:
            view, model = self.held.pop(0)
            with view, model:
                assert_same(everything(view), everything(model))
                assert_same_searches(searches(view), searches(model))

    @invariant()
    def answers_as_the_definition_does(self):
        with self.model.view() as model:
            expected, ranked = everything(model), searches(model)
            assert {name for document in model.documents() for name in document.names} == set(self.files)
        for store in (self.store, self.other):
            with store.view() as view:
                assert_same(everything(view), expected)
                assert_same_searches(searches(view), ranked)

    @invariant()
    def page_ids_are_never_used_again(self):
        with self.store.view() as view:
            for page_id, page in view.describe(view.page_ids()).items():
                content = (page.sha256, page.number)
                assert self.ids_seen.setdefault(page_id, content) == content

    def teardown(self):
        if hasattr(self, "store"):
            for view, model in self.held:
                with view, model:
                    assert_same(everything(view), everything(model))
            assert self.store.examine().findings == ()
            self.store.close()
            self.other.close()
            self.place.remove()


class FolderMachine(StoreMachine):
    place_class = PLACES["folder"]


class PostgresMachine(StoreMachine):
    place_class = PLACES["postgresql"]


class QdrantMachine(StoreMachine):
    place_class = PLACES["qdrant-edge"]


TestMemory = StoreMachine.TestCase
TestMemory.settings = settings(max_examples=2, stateful_step_count=6, deadline=None)
TestFolder = FolderMachine.TestCase
TestFolder.settings = settings(max_examples=2, stateful_step_count=10, deadline=None)
TestQdrant = QdrantMachine.TestCase
TestQdrant.settings = settings(max_examples=1, stateful_step_count=5, deadline=None)


@pytest.mark.thorough
def test_the_embedded_store_over_short_histories():
    FolderMachine.TestCase.settings = settings(max_examples=6, stateful_step_count=10, deadline=None)
    FolderMachine.TestCase().runTest()


@pytest.mark.thorough
def test_qdrant_over_short_histories():
    QdrantMachine.TestCase.settings = settings(max_examples=3, stateful_step_count=8, deadline=None)
    QdrantMachine.TestCase().runTest()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["qdrant", "qdrant-edge"])
def test_qdrant_over_long_histories(place):
    class Machine(StoreMachine):
        place_class = PLACES[place]

    Machine.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
    Machine.TestCase().runTest()


@pytest.mark.slow
def test_a_database_over_short_histories():
    PostgresMachine.TestCase.settings = settings(max_examples=4, stateful_step_count=10, deadline=None)
    PostgresMachine.TestCase().runTest()


@pytest.mark.slow
def test_a_database_over_long_histories():
    PostgresMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
    PostgresMachine.TestCase().runTest()


@pytest.mark.slow
def test_the_embedded_store_over_long_histories():
    FolderMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
    FolderMachine.TestCase().runTest()
