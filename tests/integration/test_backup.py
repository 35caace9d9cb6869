"""A backup is of one moment, whole or not there, and makes the same index again."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading

import numpy as np
import pytest

from pagesight import SearchEngine
from pagesight.storage.errors import ConfigError, FormatVersionMismatch, StorageError, StoreCorrupt
from pagesight.storage.places import _save
from pagesight.storage.store import Store
from pagesight.storage.vectors.records import Places
from tests.conformance.answers import assert_same, assert_same_searches, everything, searches
from tests.helpers import ROOT, add_document, run_cli, space


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "index"
    with Store.create(folder, space()) as store, store.writer() as writer:
        for i in range(12):
            add_document(writer, f"doc-{i}.pdf", [f"page {n} of document {i}" for n in range(3)])
        writer.remove_names([b"/docs/doc-3.pdf"])
    return folder


@pytest.fixture
def store(made, tmp_path):
    with Store(shutil.copytree(made, tmp_path / "index")) as copy:
        yield copy


def contents(store):
    with store.view() as view:
        ids = view.page_ids()
        tokens = view.tokens(ids)
        return [d.document for d in view.documents()], ids.tolist(), tokens.data.tobytes(), view.totals()


def members(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def rewritten(path, change):
    """The same tar with other members."""
    found = members(path)
    change(found)
    with tarfile.open(path, "w") as tar:
        for name, data in found.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_the_index_that_comes_back_is_the_same(store, tmp_path):
    done = store.export(tmp_path / "backup.tar")
    with store.view() as view:
        assert (done.n_documents, done.n_pages, done.generation) == (11, 33, view.generation)
    assert done.n_bytes == (tmp_path / "backup.tar").stat().st_size
    with Store.restore(tmp_path / "backup.tar", tmp_path / "again") as again:
        assert contents(again) == contents(store)
        with again.view() as found, store.view() as expected:
            assert_same(everything(found), everything(expected))
            assert_same_searches(searches(found), searches(expected))
        assert again.examine().findings == ()
        with again.writer() as writer:
            add_document(writer, "new.pdf", ["turnips"])
        assert len(contents(again)[0]) == 12
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again", "backup.tar", "index"]


def test_an_empty_index_has_a_backup_too(tmp_path):
    with Store.create(tmp_path / "index", space()) as empty:
        empty.export(tmp_path / "backup.tar")
    with Store.restore(tmp_path / "backup.tar", tmp_path / "again") as again, again.view() as view:
        assert view.totals().n_pages == 0


def test_it_is_of_one_moment_while_others_write_and_compact(store, tmp_path):
    """Each backup is what a view of its generation saw, whatever a writer and a compaction did meanwhile."""
    stop, seen = threading.Event(), {}

    def churn():
        number = 100
        while not stop.is_set():
            with store.writer() as writer:
                add_document(writer, f"doc-{number}.pdf", [f"churned {number}"] * 2)
                writer.remove_names([f"/docs/doc-{number - 3}.pdf".encode()])
            if number % 3 == 0:
                store.optimize()
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for i in range(6):
            done = store.export(tmp_path / f"{i}.tar")
            seen[i] = done
    finally:
        stop.set()
        thread.join()
    for i, done in seen.items():
        with Store.restore(tmp_path / f"{i}.tar", tmp_path / f"again-{i}") as again:
            assert again.examine().healthy
            with again.view() as view:
                assert view.totals().n_pages == done.n_pages
                assert len(view.page_ids()) == done.n_pages
                assert np.isfinite(view.tokens(view.page_ids()).data).all()


@pytest.mark.parametrize("step", ["verified", "database copied", "written"])
def test_an_export_that_is_stopped_leaves_what_was_there(store, tmp_path, step):
    (tmp_path / "backup.tar").write_bytes(b"yesterday's")

    def fault(reached):
        if reached == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.export(tmp_path / "backup.tar", overwrite=True, fault=fault)
    assert (tmp_path / "backup.tar").read_bytes() == b"yesterday's"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backup.tar", "index"]


@pytest.mark.parametrize("step", ["files written", pytest.param("before the manifest", marks=pytest.mark.slow)])
def test_an_import_that_is_killed_leaves_no_index_and_begins_again(store, tmp_path, step):
    store.export(tmp_path / "backup.tar")
    code = f"""
import os, sys
from pathlib import Path
from pagesight.storage.store import Store
Store.restore(Path("backup.tar"), "again", lambda step: os._exit(9) if step == {step!r} else None)
"""
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, check=False
    )
    assert killed.returncode == 9
    assert not (tmp_path / "again" / "manifest.json").exists()
    with Store.restore(tmp_path / "backup.tar", tmp_path / "again") as again:
        assert contents(again) == contents(store)


@pytest.mark.parametrize(
    "moment", [pytest.param("while the database is copied", marks=pytest.mark.thorough), "while the file is written"]
)
def test_a_full_disk_leaves_nothing_half(store, tmp_path, moment):
    n_bytes = store.export(tmp_path / "probe.tar").n_bytes
    in_database = len(members(tmp_path / "probe.tar")["metadata.db"])
    (tmp_path / "probe.tar").unlink()
    limit = in_database // 2 if moment == "while the database is copied" else (in_database + n_bytes) // 2
    code = f"""
import resource, signal, sys
from pathlib import Path
from pagesight.storage.errors import DiskFull
from pagesight.storage.store import Store
store = Store("index")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try: store.export(Path("backup.tar").absolute())
except DiskFull as error: print("full:", error)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.stdout.startswith("full: cannot write to"), result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_what_a_killed_export_left_goes_with_the_next(store, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    (tmp_path / f".backup.tar.{process.pid}.tar.tmp").touch()
    (tmp_path / f".backup.tar.{os.getppid()}.tar.tmp").touch()  # of one that is at work
    store.export(tmp_path / "backup.tar")
    assert [p.name for p in tmp_path.glob(".*")] == [f".backup.tar.{os.getppid()}.tar.tmp"]


def test_a_damaged_index_gives_no_backup(store, tmp_path):
    segment = tmp_path / "index" / "tokens-00000001.seg"
    data = bytearray(segment.read_bytes())
    data[100] ^= 1
    segment.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="is damaged"):
        store.export(tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def flip(name):
    def change(found):
        found[name] = found[name][:-1] + bytes([found[name][-1] ^ 1])

    return change


def put(name, data=b"x"):
    return lambda found: found.__setitem__(name, data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flip("metadata.db"), r"is damaged: metadata\.db"),
        (flip("tokens-00000001.seg"), r"is damaged: tokens-00000001\.seg"),
        (flip("singles.f16"), r"is damaged: singles\.f16"),
        (lambda found: found.pop("means-8.i8"), r"is damaged: means-8\.i8"),
        (lambda found: found.pop("SHA256SUMS"), "ends early"),
        (put("../escape"), "it holds '../escape'"),
        (put("/etc/passwd"), "it holds"),
        (put("lock"), "it holds 'lock'"),
    ],
)
def test_a_damaged_or_strange_backup_makes_no_index(store, tmp_path, change, message):
    store.export(tmp_path / "backup.tar")
    rewritten(tmp_path / "backup.tar", change)
    with pytest.raises(StoreCorrupt, match=message):
        Store.restore(tmp_path / "backup.tar", tmp_path / "again")
    assert not (tmp_path / "again" / "manifest.json").exists()
    assert not (tmp_path / "escape").exists()


def test_a_backup_that_was_cut_off_at_any_byte_makes_no_index(store, tmp_path):
    store.export(tmp_path / "backup.tar")
    whole = (tmp_path / "backup.tar").read_bytes()
    for share in (0.0, 0.01, 0.3, 0.7, 0.9):
        (tmp_path / "cut.tar").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(StoreCorrupt, match=r"no whole backup|is damaged"):
            Store.restore(tmp_path / "cut.tar", tmp_path / "again")


def test_a_backup_of_a_later_version_is_refused(store, tmp_path):
    import hashlib

    def later(found):
        found["manifest.json"] = found["manifest.json"].replace(b'"format_version": 2', b'"format_version": 9')
        digest = hashlib.sha256(found["manifest.json"]).hexdigest()
        lines = found["SHA256SUMS"].decode().splitlines()
        found["SHA256SUMS"] = "".join(
            f"{digest}  manifest.json\n" if line.endswith("manifest.json") else f"{line}\n" for line in lines
        ).encode()

    store.export(tmp_path / "backup.tar")
    with pytest.raises(FormatVersionMismatch, match="upgrade pagesight"):
        Store.restore(rewritten(tmp_path / "backup.tar", later), tmp_path / "again")


def test_nothing_is_overwritten_without_the_word(store, tmp_path):
    (tmp_path / "backup.tar").write_text("mine")
    with pytest.raises(ConfigError, match="there already"):
        store.export(tmp_path / "backup.tar")
    with pytest.raises(ConfigError, match="is a folder"):
        store.export(tmp_path)
    store.export(tmp_path / "backup.tar", overwrite=True)
    with pytest.raises(ConfigError, match="there is an index in"):
        Store.restore(tmp_path / "backup.tar", tmp_path / "index")
    with pytest.raises(StorageError, match="cannot write"):
        store.export(tmp_path / "nowhere" / "backup.tar")
    with SearchEngine.open("memory://backup", model="hashing") as engine:
        engine.index([])
        with pytest.raises(StorageError, match="in memory"):
            engine.export(tmp_path / "other.tar")
    with pytest.raises(ConfigError, match="name a folder"):
        SearchEngine.restore(tmp_path / "backup.tar", "memory://restored")


def test_tar_and_sha256sum_read_it_without_us(store, tmp_path):
    store.export(tmp_path / "backup.tar")
    (tmp_path / "by-hand").mkdir()
    subprocess.run(["tar", "xf", tmp_path / "backup.tar"], cwd=tmp_path / "by-hand", check=True)
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "by-hand", capture_output=True, text=True, check=True
    )
    assert checked.stdout.count(": OK") == 7
    with Store(tmp_path / "by-hand") as again:
        assert contents(again) == contents(store)


@pytest.mark.slow
def test_the_commands(store, tmp_path):
    exported = run_cli("--index", tmp_path / "index", "export", tmp_path / "backup.tar", check=True).stdout
    assert exported.startswith("11 documents, 33 pages, ")
    imported = run_cli("import", tmp_path / "backup.tar", "--index", tmp_path / "again", check=True).stdout
    assert imported == f"11 documents, 33 pages: {tmp_path / 'again'}\n"
    twice = run_cli("import", tmp_path / "backup.tar", "--index", tmp_path / "again")
    assert (twice.returncode, "error: there is an index in" in twice.stderr) == (2, True)


def test_threads_may_write_to_one_target(store, tmp_path):
    together = threading.Barrier(2)

    def wait(step):
        if step in ("database copied", "written"):
            together.wait(30)

    target = tmp_path / "backup.tar"
    threads = [threading.Thread(target=lambda: store.export(target, overwrite=True, fault=wait)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["backup.tar"]
    with Store.restore(target, tmp_path / "copy") as copy:
        assert contents(copy) == contents(store)


def test_nothing_stays_of_a_backup_that_is_damaged_or_of_what_was_there_without_a_manifest(store, tmp_path):
    store.export(tmp_path / "good.tar")
    data = bytearray((tmp_path / "good.tar").read_bytes())
    data[-20_000] ^= 1
    (tmp_path / "bad.tar").write_bytes(data)
    with pytest.raises(StoreCorrupt, match="is damaged"):
        Store.restore(tmp_path / "bad.tar", tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["lock"]
    with store.view() as view:
        _save(Places(*np.ones((4, 3), np.int64)), tmp_path / "copy" / f"places-{view.generation:010d}.npy")
    with Store.restore(tmp_path / "good.tar", tmp_path / "copy") as copy:
        assert contents(copy) == contents(store)
