"""The table of jobs: who has which file, and what becomes of it."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from pagesight.engine.working.queue import jobs_of
from pagesight.storage.errors import ConfigError, LeaseLost
from pagesight.storage.jobs import MOST_TRIES
from pagesight.storage.memory import MemoryStore
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.values import SourceFile
from tests.helpers import space
from tests.postgres.server import new_index


def files(n, mtime_ns=1, name="f"):
    return [
        SourceFile(root=Path("/mnt"), path=f"{name}{i}", location=Path(f"/mnt/{name}{i}"), n_bytes=i, mtime_ns=mtime_ns)
        for i in range(n)
    ]


@pytest.fixture
def store():
    with PostgresStore.create(new_index(), space()) as made:
        yield made


def names(jobs):
    return [job.source.path for job in jobs]


def test_a_file_waits_once_and_again_when_it_has_changed(store):
    jobs = store.jobs()
    assert (jobs.put(files(3), {}).n_new, jobs.put(files(4), {}).n_new) == (3, 1)
    jobs.end(jobs.lease("w"), "unchanged")
    assert jobs.put(files(1), {}).n_new == 0
    assert jobs.put(files(1), {}, again=True).n_new == 1
    jobs.end(jobs.lease("w"), "unchanged")
    assert jobs.put(files(1, mtime_ns=2), {}).n_new == 1, "it has changed"
    jobs.end(jobs.lease("w"), "unchanged")
    assert jobs.put(files(1, mtime_ns=2), {"customer": "acme"}).n_new == 1, "other tags"
    assert jobs.counts().n_waiting == 4


def test_each_file_is_leased_by_one_of_many(store):
    jobs = store.jobs()
    jobs.put(files(60), {})
    leased: list[str] = []

    def take(worker):
        while (job := store.jobs().lease(worker)) is not None:
            leased.append(job.source.path)

    threads = [threading.Thread(target=take, args=(f"w{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(leased) == Counter(names_of(60))


def names_of(n):
    return [f"f{i}" for i in range(n)]


def test_files_are_leased_in_the_order_they_came_and_only_with_the_same_tags_if_asked(store):
    jobs = store.jobs()
    jobs.put(files(2), {"a": "1"})
    jobs.put(files(2, name="g"), {"a": "2"})
    first = jobs.lease("w")
    assert (first.source, first.tags) == (files(1)[0], {"a": "1"})
    assert jobs.lease("w", like=first).source.path == "f1"
    assert jobs.lease("w", like=first) is None
    assert jobs.lease("w").tags == {"a": "2"}


def test_a_lease_that_ended_goes_to_another_and_the_first_commits_nothing(store):
    jobs = store.jobs()
    jobs.put(files(1), {})
    late = jobs.lease("late", 0.0)
    other = jobs.lease("other")
    assert other.source == late.source
    with pytest.raises(LeaseLost):
        jobs.end(late, "unchanged")
    writer = jobs.writer()
    writer.hold(late)
    writer.record_failure(late.source, "failed", "no", drop=False)
    with store.view() as view:
        assert view.failures() == []
    assert jobs.extend("late") == 0
    assert jobs.extend("other") == 1
    jobs.end(other, "unchanged")
    assert jobs.counts().n_done == 1


def test_a_file_whose_turn_ended_so_many_workers_is_given_up_and_its_neighbours_are_not(store):
    jobs = store.jobs()
    jobs.put(files(2), {})
    for _ in range(MOST_TRIES):
        writer = jobs.writer()
        for _ in range(2):
            writer.hold(jobs.lease("dies", 0.0))
        with writer.draft():
            pass
        with writer.draft():
            pass
    assert jobs.lease("next").source.path == "f1"
    assert jobs.lease("next") is None
    (gone,) = jobs.failures()
    assert (gone.path, gone.state, gone.n_tries) == ("f0", "given up", MOST_TRIES)
    with store.view() as view:
        (failure,) = view.failures()
        assert (failure.document, failure.reason) == ("f0", gone.reason)
    assert jobs.retry() == 1
    assert jobs.lease("next").source.path == "f0"


def test_a_worker_that_is_stopped_gives_back_what_it_has_and_no_try_is_counted(store):
    jobs = store.jobs()
    jobs.put(files(1), {})
    for _ in range(MOST_TRIES + 2):
        writer = jobs.writer()
        writer.hold(jobs.lease("w"))
        with writer.draft():
            pass
        assert jobs.release("w") == 1
    assert jobs.lease("w", 0.0) is not None
    assert jobs.failures() == []


def test_counts_say_how_far_it_is_and_who_works(store):
    jobs = store.jobs()
    jobs.put(files(5), {})
    jobs.end(jobs.lease("a"), "failed", "broken")
    jobs.end(jobs.lease("a"), "skipped", "empty")
    jobs.lease("a")
    jobs.lease("b")
    counts = jobs.counts()
    assert (counts.n_waiting, counts.n_leased, counts.n_done, counts.n_failed, counts.n_open) == (1, 2, 1, 1, 3)
    assert counts.n_bytes_left == 2 + 3 + 4
    assert [(one.worker, one.path, one.n_files) for one in counts.at_work] == [("a", "f2", 1), ("b", "f3", 1)]
    assert all(0 <= one.seconds < 30 for one in counts.at_work)
    assert jobs.forget_done() == 1
    assert jobs.counts().n_done == 0


def test_a_store_with_one_writer_has_no_jobs():
    with pytest.raises(ConfigError, match=r"has no place for jobs; workers need one in a database"):
        jobs_of(MemoryStore.create("memory://none", space()))
