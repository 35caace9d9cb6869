"""Through PostgreSQL to the last bit."""

from pagesight import copy_index
from pagesight.storage.store import Store
from tests.helpers import add_document, source_file, space
from tests.moving.told import history, told
from tests.postgres.server import new_index


def test_an_index_comes_through_postgresql_to_the_last_bit(tmp_path):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        history(writer, add_document, source_file)
    address = new_index()
    done = copy_index(tmp_path / "index", address)
    assert (done.n_documents, done.n_pages, done.refused) == (3, 6, ())
    assert copy_index(tmp_path / "index", address).n_there == 3
    copy_index(address, tmp_path / "copy")
    with Store(tmp_path / "index") as store, Store(tmp_path / "copy") as copy:
        with store.view() as view, copy.view() as copied:
            assert told(copied) == told(view)
