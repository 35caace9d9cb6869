"""Indexes of a server: opened and looked at beside the requests, whatever their database does."""

import threading
import time

import pytest

from pagesight.engine.server import service
from pagesight.engine.server.errors import NotReady
from pagesight.storage.errors import StoreUnreachable
from tests.server.conftest import wait_for


class Opened:
    """Stands for an engine."""

    encoder = None

    def close(self):
        pass


@pytest.fixture
def database(monkeypatch):
    """What is asked for the identity of an index: calls, in order. It answers at once with the same one."""
    asked = []
    monkeypatch.setattr(service, "_identity", lambda address: asked.append(address) or "the same")
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(service, "RETRY_SECONDS", 0.0)
    yield asked
    wait_for(lambda: not {"open main", "look at main"} & {thread.name for thread in threading.enumerate()})


def unreachable(address):
    raise StoreUnreachable(address, "nobody is there")


def opened(index):
    """Its engine, as soon as there is one."""

    def engine():
        try:
            return index.engine()
        except NotReady:
            return None

    return wait_for(engine)


def test_an_index_that_cannot_be_reached_at_first_is_opened_later(database, monkeypatch):
    engine = Opened()
    index = service._Index("main", "postgresql://nowhere/x", 0, lambda: engine)
    with monkeypatch.context() as away:
        away.setattr(service, "_identity", unreachable)
        index.open_soon()
        wait_for(lambda: index._error is not None)
        with pytest.raises(NotReady, match="nobody is there"):
            index.engine()
    assert opened(index) is engine


def test_a_database_that_goes_away_leaves_what_is_open(database, monkeypatch):
    opens = []
    index = service._Index("main", "postgresql://somewhere/x", 0, lambda: opens.append(1) or Opened())
    first = opened(index)
    asked = []
    monkeypatch.setattr(service, "_identity", lambda address: asked.append(address) or unreachable(address))
    wait_for(lambda: index.engine() is first and len(asked) > 2)
    assert len(opens) == 1


def test_no_request_waits_for_a_database_that_does_not_answer(database, monkeypatch):
    index = service._Index("main", "postgresql://somewhere/x", 0, Opened)
    first = opened(index)
    asked, answer = threading.Event(), threading.Event()
    monkeypatch.setattr(service, "_identity", lambda _: asked.set() or (answer.wait(120) and "another one"))
    try:
        wait_for(lambda: index.engine() is first and asked.is_set())
        began = time.monotonic()
        assert index.engine() is first
        assert time.monotonic() - began < 60
    finally:
        answer.set()
    wait_for(lambda: index.engine() is not first)  # it was another index
