"""Places of pages: what a state keeps of the one before, and what a writer leaves for who opens the index."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagesight.storage.places import _save, load_places, read_places
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo
from pagesight.storage.vectors.records import Places
from tests.helpers import new_page, source_file, space


def add(writer, name, n_pages):
    with writer.draft() as draft:
        for number in range(1, n_pages + 1):
            draft.add_page(new_page(number, f"word{name} {number}"))
        draft.commit(
            DocumentInfo(
                sha256=hashlib.sha256(f"{name} {n_pages}".encode()).hexdigest(),
                media_type="application/pdf",
                n_pages=n_pages,
            ),
            source_file(f"{name}.pdf"),
        )


def table(places):
    return np.stack([places.page_ids, places.segments, places.offsets, places.counts]).tolist()


def from_database(store):
    with store._folder.database.snapshot() as snapshot:
        return read_places(snapshot)


@pytest.fixture
def kept(monkeypatch):
    """Let small indexes have the file, and many blocks."""
    monkeypatch.setattr("pagesight.storage.places.KEPT_PAGES", 3)
    monkeypatch.setattr("pagesight.storage.places.BLOCK", 4)


STEPS = st.lists(st.sampled_from(["add", "replace", "remove", "optimize", "reopen", "lose"]), min_size=1, max_size=7)


@pytest.mark.thorough
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_places_are_those_of_the_database_whatever_happened(steps, tmp_path_factory, kept):
    folder = tmp_path_factory.mktemp("index")
    store = Store.create(folder, space())
    names = []
    for i, step in enumerate(steps):
        if step == "optimize":
            store.optimize()
        elif step == "reopen":
            store.close()
            store = Store(folder)
        elif step == "lose":
            for path in folder.glob("places-*.npy"):
                path.write_bytes(path.read_bytes()[:40])
        else:
            with store.writer() as writer:
                if step == "remove" and names:
                    writer.remove_names([f"/docs/{names.pop(0)}.pdf".encode()])
                elif step == "replace" and names:
                    add(writer, names[0], 2 + i % 3)
                else:
                    names.append(f"n{i}")
                    add(writer, names[-1], 1 + 2 * i)
        with store.view() as view:
            assert table(view._places()) == table(from_database(store))
    store.close()
    shutil.rmtree(folder)


def test_a_state_reads_what_has_changed(tmp_path, kept):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add(writer, "a", 9)
        before = from_database(store)
        wrong = Places(before.page_ids, before.segments, before.offsets + 1, before.counts)
        with store.writer() as writer:
            add(writer, "b", 2)
        with store._folder.database.snapshot() as snapshot:
            after = read_places(snapshot, wrong)
        assert after.page_ids.tolist() == list(range(1, 12))
        assert after.offsets[:9].tolist() == wrong.offsets.tolist()  # taken over, not read again
        assert after.offsets[9:].tolist() == from_database(store).offsets[9:].tolist()


def test_the_file_is_of_one_generation(tmp_path, kept):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add(writer, "a", 4)
        (first,) = tmp_path.glob("places-*.npy")
        with store.writer():
            pass
        assert list(tmp_path.glob("places-*.npy")) == [first]  # nothing has changed
        with store.writer() as writer:
            add(writer, "b", 1)
            assert list(tmp_path.glob("places-*.npy")) == [first]  # not at every commit
            with store.view() as view:
                assert len(view.page_ids()) == 5
        (second,) = tmp_path.glob("places-*.npy")
        assert second != first


def test_a_file_of_a_generation_to_come_is_not_believed(tmp_path, kept):
    """The database was put back to an earlier one."""
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add(writer, "a", 4)
        (path,) = tmp_path.glob("places-*.npy")
        later = path.with_name(f"places-{int(path.stem[-10:]) + 1:010d}.npy")
        _save(Places(*np.zeros((4, 3), np.int64)), later)
        with store.writer() as writer:
            add(writer, "b", 1)
            with store.view() as view:
                assert view.page_ids().tolist() == [1, 2, 3, 4, 5]


def test_a_damaged_file_is_not_believed(tmp_path, kept, caplog):
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add(writer, "a", 4)
    (path,) = tmp_path.glob("places-*.npy")
    data = bytearray(path.read_bytes())
    data[-20] ^= 64
    path.write_bytes(data)
    with Store(tmp_path) as store, store.view() as view:
        assert table(view._places()) == table(from_database(store))
    assert "is damaged" in caplog.text


def test_a_file_of_an_earlier_version_has_no_checksum_and_is_used(tmp_path, kept, caplog):
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add(writer, "a", 4)
    (path,) = tmp_path.glob("places-*.npy")
    path.write_bytes(path.read_bytes()[:-4])
    generation = int(path.stem.rpartition("-")[2])
    assert load_places(tmp_path, generation).page_ids.tolist() == [1, 2, 3, 4]
    assert not caplog.text


def test_a_file_of_somebody_else_is_left_alone(tmp_path, kept):
    strays = [tmp_path / name for name in ("places-x.npy", "places-.npy", "tokens-copy.seg")]
    with Store.create(tmp_path, space()) as store:
        for stray in strays:
            stray.write_bytes(b"none of ours")
        for name in "ab":
            with store.writer() as writer:
                add(writer, name, 4)
        store.optimize()
        assert len(list(tmp_path.glob("places-0*.npy"))) == 1
        assert store.examine().findings == ()
        with Store(tmp_path) as again, again.view() as view:
            assert view.page_ids().tolist() == list(range(1, 9))
    assert all(stray.exists() for stray in strays)


def test_a_process_that_dies_between_commit_and_file_leaves_an_index_that_is_whole(tmp_path, kept):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add(writer, "a", 4)
        with pytest.raises(RuntimeError, match="died"), store.writer() as writer:
            add(writer, "b", 3)
            raise RuntimeError("died")
    with Store(tmp_path) as store, store.view() as view:
        assert view.page_ids().tolist() == list(range(1, 8))
