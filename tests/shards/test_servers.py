"""Shards and a coordinator over HTTP: everything that a server answers, answered by several."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import replace

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from pagesight import Client, IndexConfig, SearchEngine, errors
from pagesight.engine.server.settings import SHARDS, Keys
from pagesight.engine.shards.coordinator import Coordinator, shard_addresses
from pagesight.storage.parts import Part
from tests.helpers import make_pdf
from tests.serving import serving

TEXTS = {
    "fruit/apples.txt": "apples and pears in a basket",
    "fruit/quinces.txt": "quinces from the old garden",
    "fruit/plums.txt": "plums and pears from the garden",
    "wheels.txt": "a bicycle for everybody",
    "repairs.txt": "how to repair a bicycle in a basket",
    "lamps.txt": "forty lamps for the garden",
}
KEY = "a key of some length"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Documents, an index of all, and one for each of two parts."""
    folder = tmp_path_factory.mktemp("servers")
    for name, text in TEXTS.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    make_pdf(folder / "docs" / "rules.pdf", ["no grilling in the garden", "bicycles stand in the cellar"])
    for name, part in (("whole", None), ("1", "1/2"), ("2", "2/2")):
        with SearchEngine.open(folder / name, model="hashing") as engine:
            summary = engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1, part=part))
            if part is not None:
                for outcome in summary:
                    owned = Part.parse(part).owns(sha256_of(outcome))
                    assert outcome.status == ("indexed" if owned else "elsewhere")
                again = engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1, part=part))
                assert {outcome.status for outcome in again} == {"unchanged", "elsewhere"}
                assert engine.failures() == []
    return folder


def sha256_of(outcome):
    import hashlib

    return hashlib.sha256(outcome.source.location.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def addresses(folder):
    """Of a server with everything, and of a coordinator over two shards, which need a key."""
    with ExitStack() as stack:

        def start(name, **settings):
            return stack.enter_context(serving(folder / f"state {name}", **settings))

        whole = start("whole", indexes={"docs": str(folder / "whole")})
        shards = [
            start(name, indexes={"docs": str(folder / name)}, part=f"{name}/2", keys=Keys(read_only=KEY))
            for name in ("1", "2")
        ]
        named = ",".join(shards)
        parts = start("parts", indexes={"docs": SHARDS + named}, shards=named, shard_key=KEY)
        yield whole, parts, shards


def get(address, path, body=None, **headers):
    """(status, headers, body)."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def of_json(answer):
    return json.loads(answer[2])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/search", {"query": "pears in the garden", "exact": True}),
        ("/api/search", {"queries": ["repair a bicycle", "lamps"], "k": 1, "filters": 'document !~ "*.pdf"'}),
        ("/api/similar?document=fruit/apples.txt&page=1&k=3", None),
        ("/api/documents?limit=3&offset=2", None),
        ("/api/documents?filters=folder%20%3D%20fruit", None),
        ("/api/documents/fruit/apples.txt", None),
        ("/api/documents/rules.pdf/pages/2", None),
        ("/api/documents/rules.pdf/pages/2?q=bicycles", None),
        ("/api/documents/rules.pdf/pages/2/heat?q=bicycles", None),
        ("/api/documents/rules.pdf/pages/3", None),
        ("/api/documents/nowhere.pdf/file", None),
        ("/api/facets", None),
        ("/api/failures", None),
        ("/api/totals", None),
        ("/api/search", {"query": "?"}),
        ("/api/search", {"query": "pears", "filters": "colour = red"}),
        (
            "/v1/rerank",
            {
                "model": "hashing",
                "query": "a bicycle",
                "documents": [{"page": "rules.pdf:2"}, {"page": "wheels.txt:1"}],
            },
        ),
        ("/v1/rerank", {"model": "hashing", "query": "a bicycle", "documents": [{"page": "nowhere.pdf:2"}]}),
        ("/v1/embeddings", {"model": "hashing", "input": ["a bicycle"]}),
    ],
)
def test_answers_are_those_of_one_server(addresses, path, body):
    whole, parts, _ = addresses
    expected, found = get(whole, path, body), get(parts, path, body)
    assert found[0] == expected[0]
    assert plain(of_json(found)) == plain(of_json(expected))


def plain(answer):
    """Without what every answer has of its own, and in an order where scores are equal."""
    answer = {name: value for name, value in answer.items() if name not in ("generation", "milliseconds", "id")}
    for result in answer.get("results", []):
        if "hits" in result:
            for hit in result["hits"]:
                del hit["rank"]
            result["hits"].sort(key=lambda hit: (-hit["score"], hit["document"], hit["page"]))
    for document in [*answer.get("documents", []), answer]:
        document.pop("added_at", None)
    return answer


@pytest.mark.thorough
def test_files_and_pictures_come_from_the_shard_that_has_them(addresses):
    whole, parts, _ = addresses
    for name in ("rules.pdf", "lamps.txt"):
        path = f"/api/documents/{name}/file"
        for headers in ({}, {"Range": "bytes=3-9"}, {"Range": "bytes=9999999-"}):
            expected, found = get(whole, path, **headers), get(parts, path, **headers)
            assert (found[0], found[2]) == (expected[0], expected[2])
            for header in ("Content-Type", "Content-Range", "ETag", "Content-Disposition", "Content-Security-Policy"):
                assert found[1][header] == expected[1][header]
    path = "/api/documents/rules.pdf/pages/2/image?query=bicycles&max_side=300&format=png"
    expected, found = get(whole, path), get(parts, path)
    assert found[0] == 200
    assert found[2] == expected[2]
    assert get(parts, path, **{"If-None-Match": found[1]["ETag"]})[0] == 304


@pytest.mark.thorough
def test_a_client_sees_no_difference(addresses):
    whole, parts, _ = addresses
    with Client(whole) as one, Client(parts) as several:
        assert several.totals() == one.totals()
        names = [document.document for document in one.documents()]
        assert [document.document for document in several.documents()] == names
        hit = several.search("bicycles stand in the cellar", k=1)[0]
        assert hit == replace(one.search("bicycles stand in the cellar", k=1)[0], path=hit.path)
        assert next(iter(several.pictures([hit]))).size == next(iter(one.pictures([hit]))).size


def test_agents_see_no_difference(addresses):
    _, parts, _ = addresses

    def call(tool, **arguments):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        answer = get(parts, "/mcp", body, Accept="application/json, text/event-stream")
        return of_json(answer)["result"]["content"]

    assert "rules.pdf:2" in json.dumps(call("search", query="bicycles stand in the cellar"))
    assert "cellar" in json.dumps(call("fetch", id="rules.pdf:2"))


def test_a_key_is_needed_and_a_wrong_one_is_said(addresses):
    named = ",".join(addresses[2])
    with pytest.raises(errors.ShardUnavailable, match=r"refuses \(401\)"):
        Coordinator.open(named, key="another key of some length")
    with Coordinator.open(named, key=KEY) as parts:
        assert parts.totals().n_documents == len(TEXTS) + 1
        assert next(iter(parts.pictures(parts.search("bicycles stand", k=1)))).size[0] > 500


def test_a_server_of_another_model_is_refused(addresses, folder, tmp_path):
    from pagesight import ModelConfig

    with SearchEngine.open(tmp_path / "other", model="hashing", settings=ModelConfig(single_dim=8)) as engine:
        engine.index([folder / "docs" / "wheels.txt"], IndexConfig(n_processes=1))
    with serving(tmp_path, indexes={"docs": str(tmp_path / "other")}, part="2/2", keys=Keys(read_only=KEY)) as other:
        with pytest.raises(
            errors.ShardMismatch, match=r"fingerprint hashing-1-single-8, .*fingerprint hashing-1; parts of one"
        ):
            Coordinator.open(f"{addresses[2][0]},{other}", key=KEY)


def test_what_does_not_go_together(addresses):
    from pagesight.engine.server.settings import ServerSettings

    for more, match in (
        ({"shards": "http://a", "allow_write": True}, "no index of its own"),
        ({"part": "3/2"}, "part"),
        ({"part": "1/2", "indexes": {"a": "x", "b": "y"}}, "of one index"),
    ):
        with pytest.raises(errors.ConfigError, match=match):
            ServerSettings(**{"indexes": {"docs": "x"}, **more})
    for text in ("", "http://a,", "http://a|http://a"):
        with pytest.raises(errors.ConfigError, match=r"shards are addresses|named twice"):
            shard_addresses(text)
    _, parts, _ = addresses
    assert get(parts, "/api/shard")[0] == 404


def test_parts_change_when_their_number_does(folder, tmp_path):
    """Three parts instead of two: what was left to the others is looked at again, and what is others' now is not answered for."""
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1, part="1/2"))
        engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1, part="2/3"))
    with SearchEngine.open(tmp_path / "index", part="2/3") as engine, SearchEngine.open(folder / "whole") as whole:
        expected = [one.document for one in whole.documents() if Part(2, 3).owns(one.sha256)]
        assert [one.document for one in engine.documents()] == expected
