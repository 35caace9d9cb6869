"""Client answers as the engine does, value for value, and fails as it does."""

import http.server
import json
import threading
from dataclasses import fields, replace
from typing import ClassVar

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from pagesight import Client, SearchConfig, SearchEngine, Totals, errors
from pagesight.engine.searcher import open_searcher
from tests.helpers import run_cli
from tests.serving import make_index, serving

KEY = "a key of some length"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    make_index(folder)
    return folder


@pytest.fixture(scope="module")
def address(folder):
    from pagesight.engine.server.settings import Keys

    with serving(folder, indexes={"notes": str(folder / "index")}, keys=Keys(read_only=KEY), prefix="/sub") as address:
        yield f"{address}/sub"


@pytest.fixture
def client(address):
    with Client(address, key=KEY) as client:
        yield client


@pytest.fixture
def engine(folder):
    with SearchEngine.open(folder / "index") as engine:
        yield engine


def rounded(hit):
    """As JSON has it."""
    return replace(
        hit,
        page_id=0,
        score=round(hit.score, 6),
        regions=tuple(replace(r, box=tuple(round(x, 4) for x in r.box), score=round(r.score, 4)) for r in hit.regions),
        matches=tuple(replace(m, box=tuple(round(x, 4) for x in m.box), score=round(m.score, 4)) for m in hit.matches),
        parts=tuple(replace(part, score=round(part.score, 4)) for part in hit.parts),
    )


def same(hits):
    return [rounded(hit) for hit in hits]


def test_hits_are_those_of_the_engine(client, engine):
    for arguments in ({}, {"k": 1}, {"filters": "folder = fruit"}, {"config": SearchConfig(exact=True, k=2)}):
        assert client.search("pears in the garden", **arguments) == same(
            engine.search("pears in the garden", **arguments)
        )
    queries = ["apples", "bicycle", "quinces"] * 30
    assert client.search_many(queries, k=1) == [same(hits) for hits in engine.search_many(queries, k=1)]
    assert client.search_many([]) == []
    assert client.similar("fruit/apples.txt", 1) == same(engine.similar("fruit/apples.txt", 1))


def test_everything_else_that_reads_is_the_same(client, engine):
    assert client.totals() == engine.totals()
    assert client.failures() == engine.failures() == []
    assert client.documents() == [replace(document, locations=()) for document in engine.documents()]
    assert [d.document for d in client.documents('document ~ "fruit/*"')] == ["fruit/apples.txt", "fruit/quinces.txt"]
    for query in (None, "apples"):
        assert client.look_up("fruit/apples.txt", 1, query) == rounded(engine.look_up("fruit/apples.txt", 1, query))
    assert client.page_text("wheels.txt", 1) == engine.page_text("wheels.txt", 1) == "a bicycle for everybody"


@pytest.mark.thorough
def test_pictures_have_the_regions_marked(client):
    (hit,) = client.search("bicycle", k=1)
    marked, plain = (next(iter(client.pictures([one]))) for one in (hit, replace(hit, regions=())))
    assert marked.size == plain.size
    assert max(marked.size) <= 1500
    assert marked.tobytes() != plain.tobytes()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda c: c.search("?"), errors.EmptyQuery, "has no words"),
        (lambda c: c.search("pears", filters="colour = red"), errors.BadFilter, "no such field"),
        (lambda c: c.look_up("none.pdf", 1), errors.UnknownHit, r"no page none\.pdf:1"),
        (lambda c: c.page_text("none.pdf", 1), errors.UnknownHit, r"no page none\.pdf:1"),
        (lambda c: c.similar("none.pdf", 1), errors.UnknownHit, r"no page none\.pdf:1"),
    ],
)
def test_errors_are_those_of_the_engine(client, engine, call, error, match):
    for searcher in (client, engine):
        with pytest.raises(error, match=match):
            call(searcher)


def test_what_only_a_server_can_refuse(address, client):
    with Client(address, key="another key of some length") as other, pytest.raises(errors.ServerRefused) as raised:
        other.search("pears")
    assert raised.value.status == 401
    with (
        Client(address, key=KEY, index="other") as other,
        pytest.raises(errors.ServerRefused, match="no index 'other'"),
    ):
        other.totals()
    with pytest.raises(errors.ConfigError, match="settings of the process that searches"):
        client.search("pears", score_on="cuda")
    with pytest.raises(errors.ConfigError, match="with its own password"):
        list(client.pictures(client.search("pears"), password="x"))
    client.close()
    with pytest.raises(errors.StoreClosed):
        client.search("pears")


@pytest.mark.parametrize(
    "address", ["localhost:8000", "http://", "ftp://x", "http://h:port", "http://h/?q=1", "http://me@h"]
)
def test_an_address_is_checked(address):
    with pytest.raises(errors.ConfigError, match="address"):
        Client(address)


def test_nobody_there():
    with Client("http://127.0.0.1:9") as client, pytest.raises(errors.ServerUnreachable, match="refused"):
        client.search("pears")


class Odd(http.server.BaseHTTPRequestHandler):
    """A server that is not ours, or has its moods: the path says which."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        mood = self.path.split("/")[1]
        if mood == "busy" and self.asked.count(self.path) < 3:
            self.answer(429, b"", {"Retry-After": "0"})
        elif mood == "elsewhere":
            self.answer(302, b"", {"Location": "http://127.0.0.1:9/"})
        elif mood == "page":
            self.answer(200, b"<html>", {})
        elif mood == "broken":
            self.answer(502, b"<html>", {})
        else:
            empty = dict.fromkeys((field.name for field in fields(Totals)), 0)
            self.answer(200, json.dumps(empty).encode(), {"Connection": "close"} if mood == "closes" else {})
            if mood == "forgets":  # closes a connection that it promised to keep
                self.close_connection = True

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def odd():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    Odd.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_busy_server_is_asked_again_and_a_lost_connection_is_made_anew(odd):
    for mood, n_asked in (("busy", 3), ("closes", 2), ("forgets", 2)):
        Odd.asked = []
        with Client(f"{odd}/{mood}") as client:
            for _ in range(1 if mood == "busy" else 2):
                assert client.totals().n_pages == 0
        assert len(Odd.asked) == n_asked


@pytest.mark.parametrize(
    ("mood", "error", "match"),
    [
        ("elsewhere", errors.ServerRefused, r"\(302\)"),
        ("page", errors.ServerUnreachable, "no pagesight server"),
        ("broken", errors.ServerRefused, "Bad Gateway, and no word why"),
    ],
)
def test_answers_of_other_servers(odd, mood, error, match):
    with Client(f"{odd}/{mood}", key=KEY) as client, pytest.raises(error, match=match):
        client.totals()


def test_an_address_decides_who_answers(folder, address):
    with open_searcher(address, key=KEY) as searcher:
        assert isinstance(searcher, Client)
    with open_searcher(folder / "index") as searcher:
        assert isinstance(searcher, SearchEngine)


@pytest.mark.thorough
def test_the_command_line_asks_a_server(folder, address):
    arguments = ("search", "apples and pears", "-k", 2, "--json")
    here = run_cli("--index", folder / "index", *arguments, check=True).stdout
    there = run_cli(*arguments, "--server", address, check=True, PAGESIGHT_API_KEY=KEY).stdout
    assert there == here
    refused = run_cli("search", "apples", "--server", address, "--model", "hashing")
    assert (refused.returncode, "do not go with --server" in refused.stderr) == (2, True)
