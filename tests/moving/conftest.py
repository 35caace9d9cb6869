"""An index with a history, made once and copied for each test."""

import shutil

import pytest

from pagesight.storage.store import Store
from tests.helpers import add_document, source_file, space
from tests.moving.told import history


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moving") / "index"
    with Store.create(folder, space()) as store, store.writer() as writer:
        history(writer, add_document, source_file)
    return folder


@pytest.fixture
def store(made, tmp_path):
    with Store(shutil.copytree(made, tmp_path / "index")) as copy:
        yield copy
