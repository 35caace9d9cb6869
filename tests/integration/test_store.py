"""The store on a real disk: crashes at every step, two writers, readers beside a writer, damage and repair."""

import os
import resource
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest
from sqlalchemy import text

from pagesight.storage.errors import (
    DatabaseCorrupt,
    DimensionMismatch,
    DiskFull,
    FormatVersionMismatch,
    ModelMismatch,
    StorageError,
    StoreCorrupt,
    StoreLocked,
    StoreNotFound,
)
from pagesight.storage.manifest import Manifest
from pagesight.storage.store import Store
from pagesight.storage.tables import connections
from pagesight.storage.values import EncodedPage, NewPage, PageWords
from pagesight.storage.vectors.segments import segment_path
from tests.helpers import ROOT, add_document, new_page, space

STEPS = ("vectors on disk", "transaction begun", "pages inserted", "before commit", "committed")


def names(store):
    with store.view() as view:
        return [document.document for document in view.documents()]


@pytest.mark.parametrize(
    "step", ["before commit", *(pytest.param(s, marks=pytest.mark.thorough) for s in STEPS if s != "before commit")]
)
def test_a_process_killed_at_any_step_leaves_the_old_or_the_new_state(tmp_path, step):
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["first version", "second page"])
    script = f"""
        import os, signal
        from pathlib import Path
        from pagesight.storage.store import Store
        from tests.helpers import add_document

        def die(step):
            if step == {step!r}:
                os.kill(os.getpid(), signal.SIGKILL)

        with Store(Path({str(tmp_path)!r})) as store, store.writer(die) as writer:
            add_document(writer, "a.pdf", ["new version of a", "its second", "its third"])
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == -9, result.stderr
    with Store(tmp_path) as store:
        with store.view() as view:
            (document,) = view.documents()
            assert document.n_indexed_pages == (3 if step == "committed" else 2)
        with store.writer() as writer:  # the lock went with the process, and the tail is written over
            add_document(writer, "b.pdf", ["after the crash"])
        assert names(store) == ["a.pdf", "b.pdf"]
        assert store.examine().findings == ()


@pytest.mark.parametrize("step", STEPS[:-1])
def test_an_error_at_any_step_leaves_the_old_state_in_the_same_process(tmp_path, step):
    def fail(reached):
        if reached == step:
            raise OSError(5, "Input/output error")

    with Store.create(tmp_path, space()) as store:
        with store.writer(fail) as writer:
            with pytest.raises(OSError, match="Input/output"):
                add_document(writer, "a.pdf", ["lost"])
            assert names(store) == []
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["kept", "twice"])
            add_document(writer, "b.pdf", ["kept too"])
        assert names(store) == ["a.pdf", "b.pdf"]
        assert store.examine().findings == ()


def test_what_is_committed_stays_where_ctrl_c_is_heard_of_behind_the_commit(tmp_path, monkeypatch):
    def commit(connection):
        monkeypatch.undo()
        connection.commit()
        raise KeyboardInterrupt

    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            with pytest.raises(KeyboardInterrupt):
                monkeypatch.setattr(connections.FileConnection, "commit", commit)
                add_document(writer, "a.pdf", ["kept"])
            add_document(writer, "b.pdf", ["kept too"])
        assert names(store) == ["a.pdf", "b.pdf"]
        assert store.examine().findings == ()


def test_left_overs_of_a_dead_writer_are_cut_off(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["some words"])
        size = segment_path(tmp_path, 1).stat().st_size
        with open(segment_path(tmp_path, 1), "ab") as file:
            file.write(b"left over")
        segment_path(tmp_path, 2).write_bytes(b"begun and never committed")
        with store.writer():
            assert segment_path(tmp_path, 1).stat().st_size == size
            assert not segment_path(tmp_path, 2).exists()


def test_records_go_on_in_a_new_segment_when_one_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr("pagesight.storage.vectors.segments.SEGMENT_BYTES", 500)
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            for name in "abc":
                add_document(writer, name, ["a few words of text", "and some more words"])
        assert len(list(tmp_path.glob("tokens-*.seg"))) > 1
        assert store.examine().findings == ()


def test_the_second_writer_is_told_who_the_first_is(tmp_path):
    with Store.create(tmp_path, space()) as store, store.writer():
        code = f"from pathlib import Path; from pagesight.storage.store import Store\nwith Store(Path({str(tmp_path)!r})).writer(): pass"
        result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert "StoreLocked" in result.stderr
        with pytest.raises(StoreLocked, match="process "):
            Store(tmp_path).writer().__enter__()


def test_vectors_of_another_width_are_refused(tmp_path):
    page = new_page(1, "word")
    wrong = EncodedPage(page.encoded.single, np.ones((1, 3), np.float32), page.encoded.boxes)
    with Store.create(tmp_path, space()) as store, store.writer() as writer, writer.draft() as draft:
        with pytest.raises(DimensionMismatch, match="token vectors must have 16 dimensions, got 3"):
            draft.add_page(
                NewPage(number=1, width_pt=1, height_pt=1, text_source="text", words=PageWords.none(), encoded=wrong)
            )


def test_opening_says_what_is_wrong(tmp_path):
    with pytest.raises(StoreNotFound, match=r"there is no index in .*missing; index something into it"):
        Store(tmp_path / "missing")
    Store.create(tmp_path, space()).close()
    path = tmp_path / "manifest.json"
    whole = path.read_text()
    path.write_text(whole.replace('"format_version": 2', '"format_version": 99'))
    with pytest.raises(FormatVersionMismatch, match="format version 99, this pagesight reads 2; upgrade"):
        Store(tmp_path)
    path.write_text(whole[:20])
    with pytest.raises(StoreCorrupt, match="not JSON"):
        Store(tmp_path)
    path.write_text(whole)
    (tmp_path / "metadata.db").unlink()
    with pytest.raises(StoreCorrupt, match=r"metadata\.db is missing"):
        Store(tmp_path)


def _pages_lost(database):
    data = bytearray(database.read_bytes())
    data[4096:] = bytes(b ^ 0xA5 for b in data[4096:])
    database.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda database: database.write_bytes(b""), "is empty"),
        (lambda database: database.write_bytes(bytes(range(256)) * 100), r"is damaged \(file is not a database\)"),
        (lambda database: os.truncate(database, 9000), r"is damaged \(database disk image is malformed\)"),
        (_pages_lost, r"is damaged \(database disk image is malformed\)"),
    ],
    ids=["empty", "garbage", "cut", "pages lost"],
)
def test_a_damaged_database_is_named_by_all_that_meet_it(tmp_path, damage, said):
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["word"])
    damage(tmp_path / "metadata.db")

    def write():
        with Store(tmp_path) as store, store.writer() as writer:
            add_document(writer, "b.pdf", ["word"])

    def examine():
        with Store(tmp_path) as store:
            store.examine()

    for meets_it in (lambda: names(Store(tmp_path)), write, examine):
        with pytest.raises(DatabaseCorrupt, match=rf"metadata\.db {said}; restore it"):
            meets_it()


def test_another_encoder_is_refused_by_name():
    with pytest.raises(ModelMismatch, match=r"built with hashing \(hashing-1\), not with e5 \(abc\)"):
        space().check_encoder("e5", "abc")


def test_creating_twice_opens_what_is_there(tmp_path):
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["word"])
    with Store.create(tmp_path, space("float16")) as again:
        assert again.space.codec == "int8"
        assert names(again) == ["a.pdf"]


def test_an_interrupted_creation_is_done_again(tmp_path):
    (tmp_path / "lock").touch()
    (tmp_path / "metadata.db").write_bytes(b"half a database")
    with Store.create(tmp_path, space()) as store:
        assert names(store) == []


def test_a_database_of_another_program_is_not_written_over(tmp_path):
    with Store.create(tmp_path / "index", space()) as store:
        store.export(tmp_path / "backup.tar")
    (tmp_path / "library").mkdir()
    books = tmp_path / "library" / "metadata.db"
    books.write_bytes(b"of Calibre")
    for make in (
        lambda: Store.create(books.parent, space()),
        lambda: Store.restore(tmp_path / "backup.tar", books.parent),
    ):
        with pytest.raises(StorageError, match="belongs to something else than an index; name another folder"):
            make()
        assert books.read_bytes() == b"of Calibre"


@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_the_doctor_finds_damaged_vectors_and_drops_them_on_request(tmp_path, damage):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["the first document", "its second page"])
            add_document(writer, "b.pdf", ["the second document"])
        path = segment_path(tmp_path, 1)
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        {"flip": lambda: path.write_bytes(data), "cut": lambda: path.write_bytes(data[:-90]), "delete": path.unlink}[
            damage
        ]()
    with Store(tmp_path) as store:
        found = store.examine()
        assert not found.healthy
        assert "b.pdf" in found.damaged
        assert ("a.pdf" in found.damaged) == (damage == "delete")
        assert names(store) == ["a.pdf", "b.pdf"]
        store.examine(drop_damaged=True)
        assert "b.pdf" not in names(store)
        with store.writer() as writer:
            add_document(writer, "b.pdf", ["the second document"])
        assert store.examine().findings == ()


def test_the_doctor_loses_only_the_pages_whose_single_vectors_are_cut_off(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            for name in "abc":
                add_document(writer, f"{name}.pdf", [f"word {name}"])
        path = tmp_path / "singles.f16"
        os.truncate(path, path.stat().st_size - 1)
        found = store.examine(drop_damaged=True)
        assert found.damaged == ("c.pdf",)
        assert [finding.problem for finding in found.findings] == [f"{path} has 3 rows where page 3 is committed"]
        assert names(store) == ["a.pdf", "b.pdf"]


def test_the_doctor_lets_writers_go_on_where_only_deleted_pages_are_cut_off(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["word"])
            kept = segment_path(tmp_path, 1).stat().st_size
            add_document(writer, "b.pdf", ["more words"])
            writer.remove_names([b"/docs/b.pdf"])
        os.truncate(segment_path(tmp_path, 1), kept)
        found = store.examine()
        assert (found.healthy, found.damaged) == (True, ())
        assert "were committed; new pages go into the next" in found.findings[0].problem
        with store.writer() as writer:
            add_document(writer, "c.pdf", ["other words"])
        assert names(store) == ["a.pdf", "c.pdf"]
        assert store.examine().findings == ()


def test_a_page_without_its_words_is_named_by_who_copies_it(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            sha256 = add_document(writer, "a.pdf", ["word"])
        with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(text("DELETE FROM page_text"))
        with store.view() as view, pytest.raises(StoreCorrupt, match="the words of page 1 are missing"):
            list(view.packed_pages(sha256))


def test_the_doctor_makes_the_words_searchable_again(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["findable words"])
        with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(text("DELETE FROM page_terms"))
        found = store.examine()
        assert [finding.repaired for finding in found.findings] == [True]
        assert found.healthy
        with store.view() as view:
            assert len(view.nearest_by_words("findable", 5, None).page_ids) == 1


def test_an_index_can_be_read_where_nothing_may_be_written(tmp_path):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["word"])
    code = f"""
        import os
        from pathlib import Path
        os.access = lambda path, mode: not mode & os.W_OK  # root may write anywhere: let SQLite open it as others would
        from pagesight.storage.store import Store
        with Store(Path({str(tmp_path / "index")!r})).view() as view:
            print(len(view.page_ids()))
    """
    before = sorted(path.name for path in (tmp_path / "index").iterdir())
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "1", result.stderr
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == before


def test_who_may_only_read_sees_what_others_commit_meanwhile(tmp_path, monkeypatch):
    def only_read():
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
            return names(reader)

    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["word"])
    with Store(tmp_path) as reader:
        assert only_read() == ["a.pdf"]
        with Store(tmp_path) as store, store.view():  # as long as somebody has it open, commits stay in the log
            with store.writer() as writer:
                add_document(writer, "b.pdf", ["more words"])
            assert only_read() == ["a.pdf", "b.pdf"]


def test_a_full_disk_is_told_by_all_that_open_an_index(tmp_path):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["word"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for opens in (lambda: names(store), lambda: Store.create(tmp_path / "new", space())):
        with Store(tmp_path / "index") as store:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            try:
                with pytest.raises(DiskFull, match="make room"):
                    opens()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_who_may_not_write_is_told(tmp_path, monkeypatch, error):
    def refuse(lock):
        raise error

    with Store.create(tmp_path, space()) as store:
        monkeypatch.setattr("filelock.FileLock.acquire", refuse)
        with pytest.raises(StorageError, match=rf"cannot write in .*: {error.strerror}"):
            store.examine()


def test_a_manifest_that_may_not_be_read_is_told(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(StorageError, match=r"cannot read .*manifest\.json: Is a directory"):
        Store(tmp_path)


def test_the_manifest_is_read_back(tmp_path):
    manifest = Manifest(spaces=(space(), space("int4")))
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert manifest.space == space()


def test_the_folder_is_brought_to_the_disk_before_a_commit_names_a_new_segment(tmp_path, monkeypatch):
    synced, real = [], os.fsync

    def fsync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    def note(step):
        if step == "transaction begun":
            at_commit.append(list(synced))
            synced.clear()

    at_commit: list[list[str]] = []
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr("pagesight.storage.vectors.segments.SEGMENT_BYTES", 1500)
    with Store.create(tmp_path, space()) as store, store.writer(note) as writer:
        for name in "abcdef":
            segments = len(list(tmp_path.glob("tokens-*.seg")))
            add_document(writer, name, ["a few words of text", "and some more words"])
            began_one = len(list(tmp_path.glob("tokens-*.seg"))) > segments
            assert (str(tmp_path) in at_commit[-1]) == (began_one or name == "a")
    assert len(list(tmp_path.glob("tokens-*.seg"))) > 1


@pytest.mark.thorough
def test_the_memory_of_the_doctor_does_not_grow_with_the_index(tmp_path, monkeypatch):
    monkeypatch.setattr("pagesight.storage.care.doctor.BATCH_PAGES", 20)

    def peak(store):
        tracemalloc.start()
        try:
            assert store.examine().findings == ()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    text = " ".join(f"word{i}" for i in range(300))
    with Store.create(tmp_path, space()) as store:
        for size in (2, 10):
            with store.writer() as writer:
                for number in range(size):
                    add_document(writer, f"{size}-{number}.pdf", [f"{text} {size} {number} {i}" for i in range(20)])
            if size == 2:
                store.examine()  # what only the first time costs
                few = peak(store)
        assert peak(store) < 1.5 * few


def test_what_a_view_asks_by_sqlalchemy_is_of_its_own_state(tmp_path):
    """Also when it asks after somebody else has written, and the rest of the view goes on in the same transaction."""
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["the first document"])
        with store.view() as view:
            with store.writer() as writer:
                add_document(writer, "b.pdf", ["the second document"])
            assert [document.document for document in view.documents()] == ["a.pdf"]
            assert view.page_ids("document = 'b.pdf'").tolist() == []
            assert view.totals().n_documents == len(view.page_ids()) == 1
            assert len(view.nearest_by_words("second", 5, None).page_ids) == 0
            assert store.n_views == 1
        assert names(store) == ["a.pdf", "b.pdf"]
        assert store.n_views == 0


def test_a_view_outlives_its_store(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["the first document"])
        view = store.view()
    with view:
        assert view.page_ids().tolist() == [1]
        assert [document.document for document in view.documents()] == ["a.pdf"]
    with pytest.raises(RuntimeError, match="was closed"):
        view.find_page("a.pdf", 1)


def test_a_search_needs_no_sqlalchemy(tmp_path):
    """Importing it takes as long as the rest of a search in a new process."""
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        add_document(writer, "a.pdf", ["the first document"])
    code = f"""
        import sys
        from pagesight.engine.config import SearchConfig
        from pagesight.engine.encoder import EncodedQuery
        from pagesight.engine.models.hashing import HashingEncoder
        from pagesight.engine.answering import ask, described
        from pagesight.storage.store import Store
        with Store({str(tmp_path)!r}) as store, store.view() as view:
            found = ask("first document", HashingEncoder(), view, SearchConfig())
            print([hit.name for hit in described(found, view)], "sqlalchemy" in sys.modules)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "['a.pdf:1'] False", result.stderr
