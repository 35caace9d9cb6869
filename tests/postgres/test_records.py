"""Records of token vectors: how they come from the database, what of them is kept in memory, and that it is never out of date."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.config import SearchConfig
from pagesight.engine.shards.part import PartStore
from pagesight.storage import errors
from pagesight.storage.parts import Part
from pagesight.storage.postgres.record_cache import ONE_EACH, RecordCache
from pagesight.storage.postgres.records import RecordReader, arriving, fetch
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.store import Store
from tests.conformance.answers import hits_of
from tests.helpers import HASHING, add_document, space
from tests.postgres.server import end_connections, new_index

SIZES = (1, 100, ONE_EACH, ONE_EACH + 1, 3 * ONE_EACH, 9 * ONE_EACH)
RECORDS = {record_id: memoryview(bytes([record_id]) * size) for record_id, size in enumerate(SIZES)}
CONFIGS = (SearchConfig(k=2, n_candidates=4), SearchConfig(k=9, exact=True))
STEPS = st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(list(RECORDS)), unique=True)), max_size=30)


@given(room=st.integers(0, 12 * ONE_EACH), steps=STEPS)
def test_what_was_used_last_is_kept_as_far_as_there_is_room(room, steps):
    cache, used = RecordCache(room), OrderedDict()  # used: by when, as the definition has it
    for is_put, ids in steps:
        if is_put:
            cache.put((record_id, RECORDS[record_id]) for record_id in ids)
            for record_id in ids:
                used.setdefault(record_id)
            while sum(max(len(RECORDS[record_id]), ONE_EACH) for record_id in used) > room:
                used.popitem(last=False)
        else:
            assert cache.find(ids) == {record_id: RECORDS[record_id] for record_id in ids if record_id in used}
            for record_id in ids:
                if record_id in used:
                    used.move_to_end(record_id)
    assert cache.find(RECORDS) == {record_id: RECORDS[record_id] for record_id in used}


@pytest.fixture(scope="module")
def store():
    with PostgresStore.create(new_index(), space()) as made:
        with made.writer() as writer:
            for number in range(6):
                add_document(writer, f"{number}.pdf", [f"green {number} " * (i + 1) for i in range(4)] + [""])
        yield made


@pytest.mark.parametrize("memory", [0, ONE_EACH, 10**6])
def test_records_come_as_they_are_stored(store, memory):
    rng = np.random.default_rng(3)
    with store.engine.begin() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM page_record").scalars().all()
        stored = {record_id: tokens for record_id, (tokens,) in fetch(connection, "tokens", ids).items()}
        assert len(stored) == len(ids) == 30
        assert min(map(len, stored.values())) == 0, "a page without words has no token vectors"
        reader = RecordReader(lambda: connection, RecordCache(memory))
        for n in (0, 1, 5, 29, 30, 12, 7):
            wanted = rng.permutation(ids)[:n].tolist()
            found = list(reader.read([*wanted, *wanted[:2]], sum(len(stored[i]) for i in wanted)))
            assert sorted(record_id for record_id, _ in found) == sorted(wanted), "each once"
            assert all(record == stored[record_id] for record_id, record in found)
        for missing in ([max(ids) + 1], [ids[0], max(ids) + 1]):
            with pytest.raises(errors.StoreCorrupt, match="1 records of pages are not in the database"):
                dict(reader.read(missing, 1))
        with arriving(connection, [max(ids) + 1]) as none:
            assert list(none) == []


def test_more_than_there_is_room_for_does_not_drive_out_what_is_kept(store):
    with store.engine.begin() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM page_record ORDER BY id").scalars().all()
        cache = RecordCache(2 * ONE_EACH)
        reader = RecordReader(lambda: connection, cache)
        kept = dict(reader.read(ids[:2], ONE_EACH))
        assert len(dict(reader.read(ids, 2 * ONE_EACH + 1))) == 30
        assert cache.find(ids) == kept


@pytest.mark.parametrize("memory", [0, 1])
def test_searches_are_those_of_a_folder_whatever_is_kept(tmp_path, memory):
    """Also where a document has replaced another: what was kept of that stands for nothing any more."""
    asked = [(text, config, weight) for text in ("green white", "red") for config in CONFIGS for weight in (0.0, 0.3)]
    address = f"{new_index()}&memory={memory}"
    with PostgresStore.create(address, space()) as ours, Store.create(tmp_path, space()) as folder:
        for number in range(3):
            for each in (ours, folder):
                with each.writer() as writer:
                    add_document(writer, "a.pdf", [f"green {'white ' * number}words", f"black {number}"])
                    add_document(writer, f"{number}.pdf", ["red and more of it", "green"])
            with ours.view() as view, folder.view() as embedded:
                for text, config, weight in asked:  # scores to the last bit
                    found = hits_of(view, text, None, config, weight)
                    assert found == hits_of(embedded, text, None, config, weight)


def test_views_of_earlier_states_keep_theirs_beside_later_ones():
    config = SearchConfig(k=9)
    with PostgresStore.create(new_index(), space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["green words"])
        with store.view() as earlier:
            before = hits_of(earlier, "green", None, config)
            add_document(writer, "a.pdf", ["white words, green ones"])
            with store.view() as later:
                after = hits_of(later, "green", None, config)
                assert before != after
                assert hits_of(earlier, "green", None, config) == before
                assert hits_of(later, "green", None, config) == after


def test_a_record_that_was_cut_off_is_an_error_and_the_next_search_works():
    (encoded,) = HASHING.encode_queries(["green 5"])
    with PostgresStore.create(new_index(), space()) as damaged:
        with damaged.writer() as writer:
            add_document(writer, "a.pdf", ["green words", "and others"])
            add_document(writer, "b.pdf", ["white words"])
        with damaged.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE page_record SET tokens = substr(tokens, 1, 9) WHERE words LIKE 'green%%'"
            )
        with damaged.view() as view:
            ids = view.page_ids()
            with pytest.raises(errors.StoreCorrupt, match="has 9 bytes where"):
                view.maxima(encoded.tokens, ids)
        for _ in range(2):
            with damaged.view() as view:
                assert view.maxima(encoded.tokens, ids[1:]).shape == (len(encoded.tokens), 2)


class Interrupted(PostgresStore):
    """Something happens between opening a view and asking it for the first time."""

    happens = staticmethod(lambda: None)

    def view(self):
        view = super().view()
        self.happens()
        return view


def test_a_part_is_of_the_state_that_is_searched_though_others_went_on_meanwhile():
    """Servers of one machine share what they keep: while one opens its first view, another follows a later commit."""
    address = new_index()
    with PostgresStore.create(address, space()) as store, PostgresStore(address) as other, store.writer() as writer:
        add_document(writer, "a.pdf", ["green words"])

        def others_go_on():
            add_document(writer, "b.pdf", ["white words"])
            with other.view() as later:
                assert len(later.page_ids()) == 2

        with Interrupted(address) as first:
            first.happens = others_go_on
            with PartStore(first, Part(1, 2)).view() as one, PartStore(store, Part(2, 2)).view() as two:
                assert one.generation == two.generation == 2
                assert sorted([*one.page_ids(), *two.page_ids()]) == [1, 2]


@pytest.mark.thorough
def test_a_part_whose_first_view_is_lost_says_so_and_the_next_works():
    address = new_index()
    with PostgresStore.create(address, space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["green words"])
    with Interrupted(address) as first:
        part = PartStore(first, Part(1, 1))
        first.happens = end_connections
        with pytest.raises(errors.StoreUnreachable, match="terminating connection"):
            part.view()
        del first.happens
        with part.view() as view:
            assert len(view.page_ids()) == 1
