"""An index in PostgreSQL: its addresses, its errors, and what several who use it see. The conformance suite does the rest."""

import logging
import sys
import threading

import numpy as np
import psycopg
import pytest

from pagesight import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.storage import errors
from pagesight.storage.addresses import full_address, shown
from pagesight.storage.memory import MemoryStore
from pagesight.storage.postgres import database
from pagesight.storage.postgres.address import PostgresAddress
from pagesight.storage.postgres.faults import translated
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.store import Store
from tests.conformance.answers import assert_same, everything, hits_of, searches
from tests.helpers import HASHING, add_document, damage_table, run_cli, source_file, space
from tests.postgres.server import new_index, shared


@pytest.fixture
def opened():
    """Opens indexes; all are closed at the end."""
    stores = []

    def open_(address, *, new=False):
        stores.append(PostgresStore.create(address, space()) if new else PostgresStore(address))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


def fill(writer):
    add_document(writer, "a/b.pdf", ["green white words", "more red things", ""])
    add_document(writer, "c.pdf", ["other blüe", "x"])
    writer.set_tags(add_document(writer, "d.pdf", ["black green"]), {"colour": "dark"})
    writer.record_failure(source_file("bad.pdf"), "failed", "it is damaged", drop=True)
    writer.remove_names([b"/docs/c.pdf"])
    add_document(writer, "e.pdf", ["nul \0 character", "white green"])


SEARCH = SearchConfig(k=9)

# Addresses


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://me:se:cret@host:5432/db?index=x", "postgresql://me:***@host:5432/db?index=x"),
        ("postgresql://me:p/w@rd@host/db", "postgresql://me:***@host/db"),
        ("postgresql://host/db?user=me&password=secret&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("postgresql://host/db?sslpassword=secret", "postgresql://host/db?sslpassword=***"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("/a/folder:with@signs", "/a/folder:with@signs"),
    ],
)
def test_an_address_is_shown_without_its_password(address, expected):
    assert shown(address) == expected


def test_options_of_ours_are_taken_out_and_the_others_go_to_libpq(tmp_path):
    options = f"index=reports&cache={tmp_path}&memory=7&sslmode=require"
    found = PostgresAddress.parse(f"postgresql://me:pw@h:6/db?{options}")
    assert (found.index, found.cache, found.memory) == ("reports", tmp_path, 7_000_000)
    wanted = {"user": "me", "password": "pw", "host": "h", "port": "6", "dbname": "db", "sslmode": "require"}
    assert wanted.items() <= found.parameters.items()
    assert int(found.parameters["connect_timeout"]) > 0
    assert "pw" not in found.shown


@pytest.mark.parametrize("index", ["", "With-Dash", "pg_mine", "public", 'a"b', "x" * 60])
def test_a_name_that_cannot_be_a_schema_is_refused(index):
    with pytest.raises(errors.ConfigError, match="cannot be the name of an index"):
        PostgresAddress.parse(f"postgresql://host/db?index={index}")


@pytest.mark.parametrize("memory", ["", "-1", "much", "1e3", "٣", "12345678"])
def test_a_memory_that_is_no_number_of_megabytes_is_refused(memory):
    with pytest.raises(errors.ConfigError, match="is no number of megabytes"):
        PostgresAddress.parse(f"postgresql://host/db?memory={memory}")


def test_an_address_that_is_none_is_refused_without_its_password():
    with pytest.raises(errors.ConfigError, match="is no address of a database") as caught:
        PostgresAddress.parse("postgresql://me:se%zzcret@host/db")
    assert "cret" not in str(caught.value)
    with pytest.raises(errors.ConfigError, match=r"postgresql://"):
        full_address("mysql://host/db")


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        errors.ExtraMissing, match=r"psycopg is not installed; run: pip install 'pagesight\[postgres\]'"
    ):
        SearchEngine.open("postgresql://host/db")


# Errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.DiskFull("could not extend file"), errors.DiskFull),
        (psycopg.errors.OutOfMemory("out of memory"), errors.DiskFull),
        (psycopg.errors.InvalidPassword("password authentication failed"), errors.StoreRefused),
        (psycopg.errors.InsufficientPrivilege("permission denied for schema x"), errors.StoreRefused),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute UPDATE"), errors.StoreRefused),
        (psycopg.errors.AdminShutdown("terminating connection"), errors.StoreUnreachable),
        (psycopg.errors.TooManyConnections("too many clients"), errors.StoreUnreachable),
        (psycopg.OperationalError("connection failed: no such host"), errors.StoreUnreachable),
        (psycopg.OperationalError("connection failed: fe_sendauth: no password supplied"), errors.StoreRefused),
        (psycopg.errors.QueryCanceled("canceling statement due to statement timeout"), errors.StorageError),
        (psycopg.errors.UndefinedTable('relation "page" does not exist'), errors.StoreCorrupt),
        (psycopg.errors.SyntaxError("a bug of ours"), None),
    ],
)
def test_what_a_database_says_is_an_error_of_ours(error, kind):
    found = translated(error, "postgresql://host/db")
    assert type(found) is (kind or type(None))
    assert kind is None or ("postgresql://host/db" in str(found) and str(error) in str(found))


def test_a_server_that_is_away_or_has_no_such_database_says_so():
    with pytest.raises(
        errors.StoreUnreachable, match=r"postgresql://me:\*\*\*@127.0.0.1:1/db cannot be reached"
    ) as caught:
        PostgresStore("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(errors.StoreRefused, match='database "nowhere" does not exist'):
        PostgresStore(shared().url("nowhere"))
    with pytest.raises(errors.StoreRefused, match='role "nobody_at_all" does not exist'):
        PostgresStore(shared().url(user="nobody_at_all"))


def test_a_statement_that_waits_too_long_is_an_error_and_the_next_goes_on(opened):
    address = new_index()
    store = opened(address, new=True)
    hurried = opened(f"{address}&options=-c%20lock_timeout%3D100")
    with psycopg.connect(shared().url()) as other, hurried.writer() as writer:
        other.execute(f"LOCK TABLE {store._place.index}.state")
        with pytest.raises(errors.StorageError, match="nothing is half done, try again"):
            add_document(writer, "a.pdf", ["some words"])
        other.rollback()
        add_document(writer, "a.pdf", ["some words"])
    with store.view() as view:
        assert [document.document for document in view.documents()] == ["a.pdf"]


# What several see


def test_it_answers_as_the_definition_and_scores_as_a_folder(opened, tmp_path):
    store = opened(new_index(), new=True)
    folder, model = Store.create(tmp_path / "index", space()), MemoryStore.create(f"memory://{tmp_path}", space())
    for each in (store, folder, model):
        with each.writer() as writer:
            fill(writer)
    with store.view() as ours, folder.view() as embedded, model.view() as definition:
        expected = everything(definition)
        words = expected.pop("words")
        found = everything(ours)
        assert found.pop("words") == [tuple(text.replace("\0", "") for text in texts) for texts in words]
        assert_same(found, expected)
        assert searches(ours) == searches(embedded)  # to the last bit
        ids = ours.page_ids()
        (encoded,) = HASHING.encode_queries(["green white and much more than that " * 5])
        for precise in (True, False):
            some, same = (view.maxima(encoded.tokens, ids, precise=precise) for view in (ours, embedded))
            np.testing.assert_array_equal(some, same)
            np.testing.assert_array_equal(some.sum(axis=0), same.sum(axis=0))
    folder.close()


def test_the_first_search_says_what_it_fetches_and_later_ones_follow(opened, caplog):
    address = new_index()
    store, searcher = opened(address, new=True), opened(address)
    with store.writer() as writer:
        fill(writer)
    with caplog.at_level(logging.INFO, "pagesight"):
        with searcher.view() as view:
            assert len(view.documents()) == 3
            assert not searcher.cache_folder.exists(), "who does not search keeps nothing"
            assert len(view.page_ids()) == 5
        assert "fetching what searches need of 4 documents" in caplog.text
        caplog.clear()
        with store.writer() as writer:
            add_document(writer, "new.pdf", ["a green thing"])
        with searcher.view() as view:
            assert len(view.page_ids("document = new.pdf")) == 1
        assert caplog.text == "", "changes are no news"
    before = searcher.cache_folder.stat().st_mtime_ns
    with opened(address).view() as view:
        assert len(view.page_ids()) == 6
    assert searcher.cache_folder.stat().st_mtime_ns >= before


@pytest.mark.thorough
def test_two_searchers_with_one_folder_help_each_other(opened):
    address = new_index()
    store = opened(address, new=True)
    searchers, found, problems = [opened(address) for _ in range(3)], [], []
    done = threading.Event()

    def search(searcher):
        try:
            while not done.is_set():
                with searcher.view() as view:
                    found.append(len(hits_of(view, "green", None, SEARCH)))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=search, args=(searcher,)) for searcher in searchers]
    for thread in threads:
        thread.start()
    with store.writer() as writer:
        for number in range(8):
            add_document(writer, f"{number % 3}.pdf", [f"green words of {number}"])
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    with searchers[0].view() as view:
        assert len(hits_of(view, "green", None, SEARCH)) == 3


@pytest.mark.thorough
def test_a_view_that_was_asked_something_is_not_moved_to_another_state(opened):
    address = new_index()
    store, other = opened(address, new=True), opened(address)
    with store.writer() as writer, other.view() as asked, store.view() as not_asked:
        assert asked.documents() == []
        add_document(writer, "a.pdf", ["words"])
        with store.view() as later:
            assert len(later.page_ids()) == 1  # which brings the folder beyond the others
        with pytest.raises(errors.StorageError, match="has changed meanwhile; ask again"):
            asked.page_ids()
        assert len(not_asked.page_ids()) in (0, 1)


@pytest.mark.thorough
def test_indexes_of_one_database_do_not_see_each_other(opened):
    one, two = opened(new_index(), new=True), opened(new_index(), new=True)
    with one.writer() as writer:
        add_document(writer, "a.pdf", ["of the first"])
    with one.view() as view, two.view() as other:
        assert len(view.page_ids()) == 1
        assert len(other.page_ids()) == 0
    assert one.cache_folder != two.cache_folder


def test_a_schema_of_something_else_is_left_alone():
    address = new_index()
    index = PostgresAddress.parse(address).index
    with psycopg.connect(shared().url(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {index}")
        connection.execute(f"CREATE TABLE {index}.page (mine int)")
    with pytest.raises(errors.ConfigError, match="has tables of something else, as page"):
        PostgresStore.create(address, space())
    with pytest.raises(errors.StoreNotFound, match="there is no index in"):
        PostgresStore(address)


@pytest.mark.thorough
def test_a_database_that_went_back_in_time_is_noticed(opened):
    """As after restoring a backup: other commits have the numbers of those that the folder has followed."""
    address = new_index()
    store = opened(address, new=True)
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["words"])
    with store.view() as view:
        view.page_ids()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE change SET mark = mark + 1")
    with pytest.raises(errors.StorageError, match="follows a later state of the database"):
        opened(address).view().page_ids()


def test_tables_of_a_later_version_are_refused_and_older_ones_upgraded_once(opened):
    store = opened(new_index(), new=True)
    steps = {1: ("CREATE TABLE added (x int)",), 2: ("INSERT INTO added VALUES (7)",)}
    for _ in range(2):
        with store.engine.begin() as connection:
            database._lock(connection, store._place)
            assert database.upgrade(connection, store._place, steps, 3).version == 3
    with store.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT x FROM added").scalars().all() == [7]
    with pytest.raises(
        errors.FormatVersionMismatch, match="format version 3, this pagesight reads 1; upgrade pagesight"
    ):
        database.find(store.engine, store._place)


@pytest.mark.thorough
def test_damage_is_found_and_dropped(opened):
    store = opened(new_index(), new=True)
    with store.writer() as writer:
        fill(writer)
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE page_record SET tokens = set_byte(tokens, 3, 255 - get_byte(tokens, 3)) WHERE words LIKE 'black%%'"
        )
    result = store.examine()
    assert result.damaged == ("d.pdf",)
    assert [finding.problem.split(" of ")[0] for finding in result.findings] == ["the token vectors"]
    assert store.examine(drop_damaged=True).healthy
    assert store.examine().findings == ()
    with store.view() as view:
        assert [document.document for document in view.documents()] == ["a/b.pdf", "e.pdf"]
        assert len(view.page_ids()) == 4
    with store.engine.begin() as connection:  # records go with their pages
        assert connection.exec_driver_sql("SELECT count(*) FROM page_record").scalar() == 5


@pytest.mark.thorough
def test_a_statement_that_meets_damage_has_what_is_kept_here_made_again():
    address = new_index()
    with SearchEngine.open(address, encoder=HASHING) as engine:
        with engine.made().writer() as writer:
            fill(writer)
        expected = [hit.name for hit in engine.search("green words")]
        kept = engine.made().cache_folder / "metadata.db"
    damage_table(kept, "document")
    with SearchEngine.open(address, encoder=HASHING) as engine:
        with pytest.raises(errors.KeptCorrupt, match=r"is damaged \(.*ask again, and it is made again"):
            engine.search("green words")
        assert [hit.name for hit in engine.search("green words")] == expected


# By hand


@pytest.mark.slow
def test_the_command_line_works_on_it(tmp_path):
    address = new_index().replace("tester@", "tester:secret@")
    (tmp_path / "a.txt").write_text("the pump is cleaned with water\n")
    (tmp_path / "b.txt").write_text("turnover by region\n")
    with SearchEngine.open(address, encoder=HASHING) as engine:
        engine.index([tmp_path / "a.txt", tmp_path / "b.txt"])
        assert engine.address == shown(address)
    run = [run_cli("--index", address, *arguments.split()) for arguments in (
        "info", "search pump", "search pump", "list", "doctor", "optimize", "remove a.txt --yes", "list", "export x.tar",
    )]  # fmt: skip
    info, first, second, listed, doctor, optimized, removed, after, exported = run
    assert "nothing: nobody has searched yet" in info.stdout
    assert "note: fetching what searches need of 2 documents" in first.stderr
    assert "note:" not in second.stderr
    assert first.stdout == second.stdout
    assert "a.txt" in first.stdout.splitlines()[1]
    assert "healthy" in doctor.stdout
    assert [result.returncode for result in (listed, optimized, removed)] == [0, 0, 0]
    assert "a.txt" in listed.stdout
    assert "a.txt" not in after.stdout
    assert exported.returncode == 2
    assert "pg_basebackup" in exported.stderr
    for result in run:
        assert "secret" not in result.stdout + result.stderr
