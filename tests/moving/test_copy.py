"""A copy is the same index to the last bit, however often it was stopped on the way, and only that."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight import copy_index, plan_copy
from pagesight.storage import errors
from pagesight.storage.memory import MemoryStore
from pagesight.storage.moving.ends import create_end, open_end
from pagesight.storage.packed import pack_page
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo, SeenPicture
from pagesight.storage.vectors.codecs import Int8Codec
from tests.helpers import add_document, new_page, source_file, space
from tests.moving.told import told


def address_of(kind, tmp_path, name="copy"):
    return {
        "folder": str(tmp_path / name),
        "memory": f"memory://{tmp_path.name}-{name}",
        "segments": f"segments://{tmp_path / name}",
    }[kind]


def told_of(address):
    """Of an index in a folder, or of one that is made of what lies elsewhere."""
    if "://" in str(address):
        with tempfile.TemporaryDirectory() as folder:
            copy_index(address, f"{folder}/out")
            return told_of(f"{folder}/out")
    with Store(address) as store, store.view() as view:
        return told(view)


@pytest.mark.parametrize("between", ["folder", "memory", "segments"])
def test_an_index_comes_through_every_store_to_the_last_bit(store, tmp_path, between):
    way = [tmp_path / "index", address_of(between, tmp_path, "between"), tmp_path / "last"]
    done = copy_index(way[0], way[1])
    assert (done.n_documents, done.n_pages, done.n_there, done.refused) == (3, 6, 0, ())
    copy_index(way[1], way[2])
    assert told_of(way[2]) == told_of(way[0])
    again = copy_index(way[1], way[2])
    assert (again.n_documents, again.n_there) == (0, 3)


def test_boxes_of_pictures_are_the_same_in_every_store(tmp_path):
    seen = SeenPicture(kind="map", box=(0.1, 0.2, 0.3, 0.7), sure=0.9)
    info = DocumentInfo(sha256="c" * 64, media_type="application/pdf", n_pages=1)
    with MemoryStore.create(f"memory://{tmp_path}", space()) as source, source.writer() as writer:
        with writer.draft() as draft:
            draft.add_page(replace(new_page(1, "word"), pictures=(seen,)))
            draft.commit(info, source_file("a.pdf"))
        copied = copy_index(source.address, tmp_path / "copy")
    assert copied.n_documents == 1


def test_documents_keep_the_time_when_they_were_added(tmp_path):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer, writer.draft() as draft:
        draft.add_page(new_page(1, "old"))
        info = DocumentInfo(
            sha256="a", media_type="text/plain", n_pages=1, reading=3, added_at="2020-02-02T02:02:02+00:00"
        )
        draft.commit(info, source_file("old.txt"), [(2, "it was torn")])
    copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
    copy_index(f"segments://{tmp_path}/segments", tmp_path / "copy")
    with Store(tmp_path / "copy") as copy, copy.view() as view:
        (file,) = view.known_files().values()
        assert (file.added_at, file.reading, file.problems) == ("2020-02-02T02:02:02+00:00", 3, ("it was torn",))


names = st.sampled_from([f"{folder}{name}.pdf" for folder in ("", "a/", "b/") for name in "xy"])
pages = st.lists(
    st.lists(st.sampled_from("red green white black".split()), max_size=3).map(" ".join), min_size=1, max_size=3
)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("add"), names, pages),
        st.tuples(st.just("name"), names, names),
        st.tuples(st.just("tag"), names, st.sampled_from(["dark", "light"])),
        st.tuples(st.just("fail"), names, st.booleans()),
        st.tuples(st.just("remove"), names, st.none()),
    ),
    max_size=6,
)


def apply(writer, done, files):
    """files: by name their content, and how long it is, which is the same under every name."""
    for what, name, more in done:
        if what == "add":
            files[name] = add_document(writer, name, more), len("\f".join(more))
        elif what == "fail":
            writer.record_failure(source_file(name), "failed", "it is damaged", drop=more)
            if more:
                files.pop(name, None)
        elif what == "remove":
            writer.remove_names([f"/docs/{name}".encode()])
            files.pop(name, None)
        elif name in files and what == "tag":
            writer.set_tags(files[name][0], {"colour": more})
        elif name in files:
            sha256, n_bytes = files[name]
            writer.add_name(sha256, replace(source_file(more), n_bytes=n_bytes))
            files[more] = files[name]


def check_histories(rounds, codec, pool_factor, folder, kind):
    """After each part of a history the copy is brought up to date, through segments that grow."""
    index, last, segments = folder / "index", address_of(kind, folder), f"segments://{folder / 'segments'}"
    files = {}
    with Store.create(index, space(codec, pool_factor)) as store:
        for part in rounds:
            with store.writer() as writer:
                apply(writer, part, files)
            copy_index(index, segments, delete=True)
            copy_index(segments, last, delete=True)
            with store.view() as view:
                assert told_of(last) == told(view)


@settings(max_examples=2, deadline=None)
@given(st.lists(changes, min_size=2, max_size=2), st.sampled_from(["int8", "int4", "float16"]), st.sampled_from([1, 2]))
def test_a_copy_follows_what_happens_to_the_index(tmp_path_factory, rounds, codec, pool_factor):
    check_histories(rounds, codec, pool_factor, tmp_path_factory.mktemp("copy"), "memory")


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(st.lists(changes, min_size=2, max_size=3), st.sampled_from(["int8", "int2", "float16"]), st.sampled_from([1, 2]))
def test_a_copy_follows_long_histories(tmp_path_factory, rounds, codec, pool_factor):
    check_histories(rounds, codec, pool_factor, tmp_path_factory.mktemp("copy"), "folder")


class Stopped(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("kind", ["folder", "segments", pytest.param("memory", marks=pytest.mark.thorough)])
def test_a_copy_that_was_stopped_goes_on(store, tmp_path, kind):
    target = address_of(kind, tmp_path)

    def stop(done):
        assert (done.document, done.n_pages, done.pages_left) == ("y.pdf", 2, 4)
        raise Stopped

    with pytest.raises(Stopped):
        copy_index(tmp_path / "index", target, on_document=stop)
    assert (plan := plan_copy(tmp_path / "index", target)).n_there == 1
    assert plan.n_documents == 2
    done = copy_index(tmp_path / "index", target)
    assert (done.n_documents, done.n_there) == (2, 1)
    with store.view() as view:
        assert told_of(target) == told(view)


def test_a_file_that_can_no_longer_be_read_is_lost_in_the_copy_too(tmp_path):
    with Store.create(tmp_path / "index", space()) as store:
        for change in (
            lambda writer: add_document(writer, "one.pdf", ["red"]),
            lambda writer: writer.record_failure(source_file("one.pdf"), "failed", "it is damaged", drop=True),
            lambda writer: add_document(writer, "one.pdf", ["whole again"]),
        ):
            with store.writer() as writer:
                change(writer)
            copy_index(tmp_path / "index", f"segments://{tmp_path}/segments")
            copy_index(f"segments://{tmp_path}/segments", tmp_path / "copy")
            with store.view() as view:
                assert told_of(tmp_path / "copy") == told(view)


def test_names_that_changed_places_are_followed(tmp_path):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        add_document(writer, "one.pdf", ["red"])
        add_document(writer, "two.pdf", ["green"])
    copy_index(tmp_path / "index", tmp_path / "copy")
    with Store(tmp_path / "index") as store:
        with store.writer() as writer:
            add_document(writer, "one.pdf", ["green"])
            add_document(writer, "two.pdf", ["red"])
        copy_index(tmp_path / "index", tmp_path / "copy")
        with store.view() as view:
            assert told_of(tmp_path / "copy") == told(view)


def test_what_the_target_has_beside_it_stays_unless_it_is_to_go(store, tmp_path):
    with Store.create(tmp_path / "copy", space()) as copy, copy.writer() as writer:
        add_document(writer, "other.pdf", ["its own"])
        writer.record_failure(source_file("failed.pdf"), "failed", "long ago", drop=True)
    copy_index(tmp_path / "index", tmp_path / "copy")
    assert "other.pdf" in {d.document for d in told_of(tmp_path / "copy")["documents"]}
    assert plan_copy(tmp_path / "index", tmp_path / "copy").n_gone == 2
    assert copy_index(tmp_path / "index", tmp_path / "copy", delete=True).n_removed == 2
    with store.view() as view:
        assert told_of(tmp_path / "copy") == told(view)


def test_files_are_found_where_they_are_on_the_other_machine(store, tmp_path):
    moved = [(Path("/docs/b"), tmp_path / "elsewhere")]
    copy_index(tmp_path / "index", tmp_path / "copy", moved=moved)
    files = {file.path: (file.root, file.location) for file in told_of(tmp_path / "copy")["indexed"]}
    assert files["b/z.png"] == (tmp_path, tmp_path / "elsewhere" / "z.png")
    assert files["y.pdf"] == (Path("/docs"), Path("/docs/y.pdf"))
    assert copy_index(tmp_path / "index", tmp_path / "copy", moved=moved).n_there == 3


@pytest.mark.parametrize(
    ("other", "error"),
    [
        (replace(space(), fingerprint="another"), errors.ModelMismatch),
        (space("float16"), errors.CodecMismatch),
        (space(pool_factor=2), errors.CodecMismatch),
    ],
)
@pytest.mark.parametrize("kind", ["segments", pytest.param("folder", marks=pytest.mark.thorough)])
def test_vectors_of_two_models_or_codecs_are_not_mixed(store, tmp_path, other, error, kind):
    target = address_of(kind, tmp_path)
    create_end(target, other).close()
    for verb in (copy_index, plan_copy):
        with pytest.raises(error):
            verb(tmp_path / "index", target)


def test_an_index_is_not_copied_onto_itself(store, tmp_path):
    os.symlink(tmp_path / "index", tmp_path / "same")
    with pytest.raises(errors.ConfigError, match="are the same place"):
        copy_index(tmp_path / "index", tmp_path / "same")
    with pytest.raises(errors.StoreNotFound):
        copy_index(tmp_path / "nowhere", tmp_path / "copy")
    with pytest.raises(errors.StoreNotFound):
        copy_index(f"segments://{tmp_path}", tmp_path / "copy")


@pytest.mark.parametrize("kind", ["folder", "segments", "memory"])
def test_a_plan_leaves_nothing_behind(store, tmp_path, kind):
    def files():
        return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}

    before = files()
    plan = plan_copy(tmp_path / "index", address_of(kind, tmp_path))
    assert (plan.n_documents, plan.n_pages, plan.n_there, plan.n_gone) == (3, 6, 0, 0)
    assert (plan.n_tried, plan.only_read) == (3, kind == "memory")
    assert plan.n_bytes > 6 * (2 * 64)
    assert files() == before
    with pytest.raises(errors.StoreNotFound):
        open_end(address_of(kind, tmp_path))


def test_a_damaged_document_is_named_and_the_others_are_copied(store, tmp_path):
    with store.view() as view:
        (damaged,) = [view.find_page("y.pdf", 2)]
        ref = view._refs(np.array([damaged]))[damaged][0]
    with open(tmp_path / "index" / "tokens-00000001.seg", "r+b") as file:
        file.seek(ref.offset + 9)
        file.write(b"\xff\x00\xff")
    done = copy_index(tmp_path / "index", tmp_path / "copy")
    ((name, why),) = done.refused
    assert name in ("y.pdf", "b/copy of y.pdf")
    assert "is damaged" in why
    assert {d.document for d in told_of(tmp_path / "copy")["documents"]} == {"a/x.pdf", "b/z.png"}


@pytest.mark.parametrize(
    "make", [lambda t: Store.create(t / "s", space()), lambda t: MemoryStore.create(f"memory://{t}", space())]
)
def test_pages_that_are_not_of_the_space_are_refused(tmp_path, make):
    page = pack_page(new_page(1, "red green"), space(), Int8Codec(space().token_dim))
    with make(tmp_path) as store, store.writer() as writer:
        for wrong in (
            replace(page, record=page.record[:-1]),
            replace(page, single=page.single + b"\0"),
            replace(page, means=page.means[:2]),
            replace(page, n_tokens=3),
            replace(page, words="one"),
        ):
            with writer.draft() as draft, pytest.raises(errors.StoreCorrupt, match="page 1 has"):
                draft.add_packed(wrong)
        with writer.draft() as draft:
            draft.add_packed(page)
            draft.commit(DocumentInfo(sha256="a", media_type="application/pdf", n_pages=1), source_file("a.pdf"))
        with store.view() as view:
            assert len(view.page_ids()) == 1
