"""Watching: what is ready, what is gone, and the whole of it over a real folder."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from pagesight import IndexConfig, SearchEngine
from pagesight.engine.config import WatchConfig
from pagesight.engine.watching.looking import Looking
from pagesight.engine.watching.mounts import silent_mounts
from pagesight.engine.watching.presence import Presence
from pagesight.engine.watching.watcher import Watcher
from pagesight.indexer.priority import give_way
from pagesight.storage.errors import ConfigError, StoreLocked
from pagesight.storage.values import SourceFile
from tests.helpers import ROOT

MOUNTS = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /srv/files rw shared:2 - ext4 /dev/sdb1 rw
31 30 0:41 / /srv/files/scans\040of\0402024 rw master:3 propagate_from:2 - cifs //nas/scans rw
32 21 0:42 / /srv/files-old rw - nfs4 nas:/old rw
33 21 0:43 / /home/me/cloud rw - fuse.sshfs me@there: rw
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/srv/files", ["/srv/files/scans of 2024"]),
        ("/srv/files/scans of 2024/a", ["/srv/files/scans of 2024"]),
        ("/srv/files-old", ["/srv/files-old"]),
        ("/srv/filesystem", []),
        ("/home/me/cloud/x", ["/home/me/cloud"]),
        ("/", ["/srv/files/scans of 2024", "/srv/files-old", "/home/me/cloud"]),
    ],
)
def test_shares_are_found_at_around_and_below_a_folder(tmp_path, folder, expected):
    from pathlib import Path

    assert silent_mounts(Path(folder), MOUNTS) == expected
    assert silent_mounts(tmp_path) == []


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def seen(path, n_bytes, *, age_s=3600.0):
    from pathlib import Path

    mtime_ns = time.time_ns() - int(age_s * 1e9)
    return SourceFile(root=Path("/d"), path=path, location=Path("/d") / path, n_bytes=n_bytes, mtime_ns=mtime_ns)


def test_a_file_is_whole_when_it_has_not_changed_for_a_while():
    clock = Clock()
    looking = Looking(5.0, clock)
    old, young = seen("old.pdf", 10), seen("young.pdf", 10, age_s=1)
    look = looking.look([old, young])
    assert (look.ready, look.unsettled, look.after_s) == (True, {young.location}, 5.0)
    looking.given(look)
    clock.now += 2
    grown = seen("young.pdf", 20, age_s=0)
    look = looking.look([old, grown])
    assert (look.ready, look.unsettled, look.after_s) == (False, {grown.location}, 5.0), "it is still being written"
    clock.now += 4.9
    assert not looking.look([old, grown]).ready
    clock.now += 0.2
    look = looking.look([old, grown])
    assert (look.ready, look.unsettled, look.after_s) == (True, frozenset(), None)
    looking.given(look)
    assert not looking.look([old, grown]).ready, "nothing new"
    assert not looking.look([grown]).ready, "one is gone; it may come back under another name"
    clock.now += 5
    assert looking.look([grown]).ready


def test_an_old_time_is_believed_at_the_first_look_only():
    """Copying sets the time of the original, some programs while they still write."""
    clock = Clock()
    looking = Looking(5.0, clock)
    looking.given(looking.look([]))
    clock.now += 60
    assert looking.look([seen("copy.pdf", 10)]).unsettled
    future = Looking(5.0, clock).look([seen("clock.pdf", 10, age_s=-86400)])
    assert future.after_s == 5.0, "a server whose clock is a day ahead does not keep it waiting for a day"


def test_what_was_not_given_comes_again():
    """As when the index was locked."""
    looking = Looking(5.0, Clock())
    assert looking.look([seen("a.pdf", 1)]).ready
    assert looking.look([seen("a.pdf", 1)]).ready


def test_a_file_is_deleted_only_beside_others_and_on_a_disk_that_is_mounted(tmp_path):
    docs = tmp_path / "docs"
    for name in ("a/one.pdf", "a/two.pdf", "b/three.pdf"):
        make = docs / name
        make.parent.mkdir(parents=True, exist_ok=True)
        make.touch()
    (docs / "share").mkdir()
    presence = Presence([docs], tmp_path)
    assert not presence.is_deleted(docs / "a" / "gone.pdf"), "nothing was seen yet"
    presence.saw([docs / "a" / "one.pdf", docs / "b" / "three.pdf"])
    assert presence.is_deleted(docs / "a" / "gone.pdf")
    assert presence.is_deleted(docs / "c" / "gone.pdf"), "a whole folder was deleted, beside others"
    assert not presence.is_deleted(docs / "share" / "gone.pdf"), "an empty folder may be a share"
    (docs / "a" / "one.pdf").unlink()
    (docs / "a" / "two.pdf").unlink()
    assert presence.is_deleted(docs / "a" / "one.pdf"), "we saw it there"
    (tmp_path / "mounts.json").write_text(json.dumps([str(docs / "stick")]))
    assert not Presence([docs], tmp_path).is_deleted(docs / "a" / "one.pdf"), "not after a restart"
    later = Presence([docs], tmp_path)
    later.saw([docs / "b" / "three.pdf"])
    assert not later.is_deleted(docs / "stick" / "gone.pdf"), "it was a mount once, and is none now"
    (tmp_path / "mounts.json").write_text("damaged")
    assert Presence([docs], tmp_path).is_deleted(docs / "b" / "x.pdf") is False


@pytest.mark.skipif(sys.platform != "linux", reason="mounts are made as Linux makes them")
def test_a_share_that_was_unmounted_deletes_nothing(tmp_path):
    """On a real mount, where that is allowed."""
    code = f"""
import os, subprocess, sys
from pathlib import Path
from pagesight.engine.watching.presence import Presence
docs = Path({str(tmp_path)!r}) / "docs"
for name in ("local", "stick"): (docs / name).mkdir(parents=True)
if subprocess.run(["mount", "-t", "tmpfs", "none", docs / "stick"], capture_output=True).returncode: sys.exit(77)
for name in ("local/a.pdf", "stick/b.pdf"): (docs / name).touch()
def look():
    presence = Presence([docs], docs.parent)
    presence.saw(path for path in docs.rglob("*.pdf"))
    return presence
presence = look()
subprocess.run(["umount", docs / "stick"], check=True)
os.rmdir(docs / "stick")  # as desktops do
for presence in (presence, look()): print(presence.is_deleted(docs / "stick" / "b.pdf"), presence.is_deleted(docs / "x.pdf"))
"""
    command = ["unshare", "--mount", sys.executable, "-c", code]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if result.returncode == 77 or "unshare failed" in result.stderr:
        pytest.skip("this user may not mount")
    assert result.stdout.split() == ["False", "True"] * 2, result.stderr


class Hearing:
    """All events come."""

    def hears(self, folder):
        return True


@pytest.mark.thorough
def test_what_goes_from_a_folder_while_it_is_away_is_noticed_when_it_is_back(tmp_path):
    """Also when another folder was indexed meanwhile."""
    one, other, away = tmp_path / "one", tmp_path / "other", tmp_path / ".away"
    for folder, names in ((one, "xy"), (other, "q")):
        folder.mkdir()
        for name in names:
            old_file(folder / f"{name}.txt")
    removed, indexed = [], []
    with SearchEngine.open("memory://away", model="hashing") as engine:
        watcher = Watcher(
            engine,
            [one, other],
            IndexConfig(text=True, prune=True, n_processes=1),
            WatchConfig(settle_s=0.05, nice=0),
            on_outcome=lambda o: (removed if o.status == "removed" else indexed).append(o.source.path),
        )

        def look():
            ready = [(folder, look) for folder in watcher._folders if (look := watcher._look(folder, Hearing())).ready]
            if ready:
                watcher._index(ready, threading.Event())
            time.sleep(0.06)

        look()
        one.rename(away)
        look()
        old_file(other / "new.txt")
        while "new.txt" not in indexed:
            look()
        (away / "x.txt").unlink()
        away.rename(one)
        for _ in range(100):
            look()
            if removed:
                break
    assert removed == ["x.txt"]


def old_file(path):
    path.write_text(f"words of {path.name}")
    os.utime(path, (1e9, 1e9))


@pytest.fixture
def watched(tmp_path, request):
    """A folder that is watched, what it tells, and the engine over it."""
    pytest.importorskip("watchfiles", reason="watching needs the extra [watch]")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "first.txt").write_text("alpha")
    told: queue.Queue[tuple[str, str]] = queue.Queue()
    stop = threading.Event()
    with SearchEngine.open(tmp_path / request.param, model="hashing") as engine:
        watcher = Watcher(
            engine,
            [docs, docs / "sub"],
            IndexConfig(text=True, prune=True, n_processes=1),
            WatchConfig(settle_s=0.2, retry_s=0.2, nice=0),
            on_outcome=lambda outcome: told.put((str(outcome.status), outcome.source.path)),
            on_note=lambda text: told.put(("note", text)),
        )
        thread = threading.Thread(target=watcher.run, args=(stop,))
        thread.start()
        try:
            yield docs, told, engine
        finally:
            stop.set()
            thread.join(120)
            assert not thread.is_alive()


@contextmanager
def writer_of(engine):
    """The right to write, when the watcher has let go of it."""
    for _ in range(1200):
        try:
            with engine.store.writer():
                yield
                return
        except StoreLocked:
            time.sleep(0.05)
    pytest.fail("the watcher does not let go of the right to write")


@pytest.mark.parametrize("watched", ["docs/index"], indirect=True, ids=["the index lies inside"])
@pytest.mark.thorough
def test_the_index_follows_the_folder(watched):
    docs, told, engine = watched

    def comes(*expected):
        assert sorted(told.get(timeout=120) for _ in expected) == sorted(expected)

    comes(("indexed", "first.txt"))
    (docs / "sub").mkdir()
    (docs / "sub" / "second.txt").write_text("beta")
    comes(("indexed", "sub/second.txt"))
    with writer_of(engine):
        (docs / "first.txt").write_text("alpha gamma")
        assert "is being written by process" in told.get(timeout=120)[1]
    comes(("indexed", "first.txt"))
    (docs / "sub" / "second.txt").rename(docs / "renamed.txt")
    comes(("renamed", "renamed.txt"))
    (docs / "renamed.txt").unlink()
    (docs / "broken.pdf").write_text("no PDF")
    comes(("removed", "renamed.txt"), ("failed", "broken.pdf"))
    assert [document.document for document in engine.documents()] == ["first.txt"]
    assert [hit.document for hit in engine.search("gamma")] == ["first.txt"]
    odd = docs / os.fsdecode(b"gr\xfcn.txt")  # no event can name it; nor does that end the listening
    odd.write_text("delta")
    comes(("indexed", r"gr\xfcn.txt"))
    (docs / "last.txt").write_text("epsilon")
    comes(("indexed", "last.txt"))
    with engine.view() as view:
        generation = view.generation
    time.sleep(1.5)
    assert told.empty(), "its own writing wakes nobody"
    with engine.view() as view:
        assert view.generation == generation


@pytest.mark.parametrize("watched", ["index"], indirect=True)
@pytest.mark.thorough
def test_a_folder_that_vanishes_deletes_nothing_and_may_come_back(watched):
    docs, told, engine = watched
    told.get(timeout=120)
    docs.rename(docs.with_name("away"))
    time.sleep(2.0)
    assert told.empty()
    docs.with_name("away").rename(docs)
    (docs / "later.txt").write_text("omega")
    assert told.get(timeout=120) == ("indexed", "later.txt")
    assert len(engine.documents()) == 2


def test_only_folders_can_be_watched(tmp_path):
    (tmp_path / "file.pdf").touch()
    with SearchEngine.open("memory://watch", model="hashing") as engine:
        with pytest.raises(ConfigError, match=r"file\.pdf is a file"):
            Watcher(engine, [tmp_path / "file.pdf"])
        with pytest.raises(ConfigError, match="at least one folder"):
            Watcher(engine, [])
    with pytest.raises(ConfigError, match="settle_s must be positive, not 0"):
        WatchConfig(settle_s=0)
    with pytest.raises(ConfigError, match="nice must be from 0 to 19, not -1"):
        WatchConfig(nice=-1)


def test_the_work_gives_way():
    """In the thread that does it, which hands it down to the processes that it starts."""
    if sys.platform != "linux":
        pytest.skip("only Linux knows priorities of threads")
    seen = []

    def work():
        before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        give_way(min(before + 3, 19))
        give_way(before)
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        seen.append(min(before + 3, 19))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen[0] == seen[1]


@pytest.mark.slow
def test_the_command_watches_until_it_is_told_to_stop(tmp_path):
    pytest.importorskip("watchfiles", reason="watching needs the extra [watch]")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("apples")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pagesight", "--index", tmp_path / "index", "watch", tmp_path / "docs"),
            *("--model", "hashing", "--text", "--settle", "0.2", "--json", "--processes", "1"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert json.loads(process.stdout.readline())["status"] == "indexed"
        (tmp_path / "docs" / "b.txt").write_text("pears")
        assert json.loads(process.stdout.readline())["document"] == "b.txt"
    finally:
        process.send_signal(signal.SIGTERM)
        _, problems = process.communicate(timeout=120)
    assert process.returncode == 0, problems
    assert f"watching 1 folder: {tmp_path / 'docs'}" in problems
