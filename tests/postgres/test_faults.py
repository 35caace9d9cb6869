"""What goes wrong with a database: it dies under its writers, its connections break, it wants a password, its disk is full."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from pagesight.storage import errors
from pagesight.storage.postgres.store import PostgresStore
from tests.helpers import HASHING, ROOT, add_document, space
from tests.postgres.server import Server, end_connections, new_index

pytestmark = pytest.mark.thorough
N_WRITERS = 4


@pytest.fixture
def server():
    made = Server(durable=True)
    made.start()
    yield made
    made.remove()


def test_a_database_killed_under_its_writers_has_all_that_was_acknowledged_and_nothing_in_part(server, tmp_path):
    address = f"{server.url()}?cache={tmp_path}"
    PostgresStore.create(address, space()).close()
    outputs = [tmp_path / f"writer-{i}" for i in range(N_WRITERS)]
    writers = [begin_writer(address, f"w{i}", output) for i, output in enumerate(outputs)]
    try:
        while any(len(output.read_text().splitlines()) < 12 for output in outputs):
            assert all(writer.poll() is None for writer in writers), [output.read_text() for output in outputs]
            time.sleep(0.05)
        server.kill()
        assert [writer.wait(timeout=60) for writer in writers] == [0] * N_WRITERS
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    server.start()
    with PostgresStore(address) as store, store.view() as view:
        stored = {document.document: document for document in view.documents()}
        assert all(document.n_indexed_pages == document.n_pages == 2 for document in stored.values())
        texts = {page.document: [] for page in view.describe(view.page_ids()).values()}
        for page_id, detail in sorted(view.details(view.page_ids()).items()):
            texts[view.describe(view.page_ids())[page_id].document].append(" ".join(detail.words.texts))
        for output in outputs:
            _, *acknowledged, last = output.read_text().splitlines()
            assert last.startswith("unreachable: the database postgresql://")
            newest = {line.split()[0]: int(line.split()[1]) for line in acknowledged}
            for name, number in newest.items():  # a writer may have committed one more than it could say
                first, second = texts[name]
                assert int(first.split()[-1]) in (number, number + 7)
                assert second == "page two"
        assert store.examine().findings == ()
    with PostgresStore(address) as store, store.writer() as writer:
        add_document(writer, "after.pdf", ["it goes on"])


def begin_writer(address, name, output):
    command = [sys.executable, "-m", "tests.postgres.write_until_killed", address, name]
    with output.open("w") as file:
        return subprocess.Popen(command, cwd=ROOT, stdout=file)


def test_a_connection_lost_in_a_search_is_an_error_and_the_next_search_works():
    with PostgresStore.create(new_index(), space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["green words"])
        (encoded,) = HASHING.encode_queries(["green"])
        for ask in (
            lambda view: view.maxima(encoded.tokens, view.page_ids()),
            lambda view: view.details(view.page_ids()),
            lambda view: view.failures(),
        ):
            with store.view() as view:
                assert len(view.page_ids()) == 1
                end_connections()
                with pytest.raises(errors.StoreUnreachable, match="cannot be reached: terminating connection"):
                    ask(view)
            with store.view() as view:
                assert view.maxima(encoded.tokens, view.page_ids()).shape == (1, 1)
        with store.writer() as writer:
            end_connections()  # between two documents nobody notices
            add_document(writer, "b.pdf", ["more"])


def test_a_server_that_was_started_again_is_used_again(server, tmp_path):
    with PostgresStore.create(f"{server.url()}?cache={tmp_path}", space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["green words"])
            with store.view() as view:
                assert len(view.page_ids()) == 1
            server.stop()
            with pytest.raises(errors.StoreUnreachable, match="cannot be reached"):
                store.view()
            with pytest.raises(errors.StoreUnreachable, match="what was finished before is safe"):
                add_document(writer, "b.pdf", ["other words"])
            server.start()
            add_document(writer, "b.pdf", ["other words"])
        with store.view() as view:
            assert len(view.page_ids()) == 2


def test_a_password_comes_from_where_libpq_looks_and_is_said_nowhere(server, tmp_path, monkeypatch):
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE careful LOGIN PASSWORD 'the-right-one'")
        connection.execute("GRANT CREATE ON DATABASE postgres TO careful")
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text("host all careful 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    server.stop()
    server.start()
    address = f"{server.url(user='careful')}?cache={tmp_path / 'cache'}"
    with pytest.raises(errors.StoreRefused, match="no password supplied"):
        PostgresStore(address)
    with pytest.raises(errors.StoreRefused, match='password authentication failed for user "careful"') as caught:
        PostgresStore(address.replace("careful@", "careful:the-wrong-one@"))
    assert "the-wrong-one" not in str(caught.value)
    PostgresStore.create(address.replace("careful@", "careful:the-right-one@"), space()).close()
    monkeypatch.setenv("PGPASSWORD", "the-right-one")
    with PostgresStore(address) as store, store.view() as view:
        assert len(view.page_ids()) == 0
    monkeypatch.delenv("PGPASSWORD")
    passwords = tmp_path / "pgpass"
    passwords.write_text("127.0.0.1:*:*:careful:the-right-one\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    PostgresStore(address).close()
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert b"the-right-one" not in path.read_bytes()
        assert "the-right-one" not in str(path)


def test_a_full_disk_of_the_server_is_said_and_what_was_committed_stays(server, tmp_path):
    """The index lies in a tablespace on a file system of its own, which is small."""
    small = Path(tempfile.mkdtemp(prefix="pagesight-small-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size=3m,mode=700,uid={server.uid}", "tmpfs", str(small)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        small.rmdir()
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
            connection.execute("ALTER ROLE tester SET default_tablespace = small")
        with PostgresStore.create(f"{server.url()}?cache={tmp_path}", space()) as store, store.writer() as writer:
            with pytest.raises(
                errors.DiskFull, match=r"cannot write to postgresql://.*make room and do the same again"
            ):
                for number in range(2000):
                    add_document(writer, f"{number}.pdf", [" ".join(f"w{number}x{i}" for i in range(1000))])
            assert number > 0
            with store.view() as view:
                assert len(view.documents()) == number
            subprocess.run(["mount", "-o", "remount,size=30m", str(small)], check=True)
            add_document(writer, "after.pdf", ["there is room again"])
    finally:
        server.stop()
        subprocess.run(["umount", str(small)], check=True)
        small.rmdir()
