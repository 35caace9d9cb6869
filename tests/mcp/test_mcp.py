"""The tools, asked by the SDK's own client in both generations of the protocol: in process, over stdio, over HTTP."""

import base64
import io
import json
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import pytest

pytest.importorskip("mcp", reason="agents need the extra [mcp]")

from mcp import Client, StdioServerParameters

from pagesight.engine.mcp.desk import (
    MAX_SIDE_PX,
    MAX_TEXT_CHARS,
    MIN_SIDE_PX,
    PICTURE_BYTES,
    SIDE_PX,
    page_picture,
    side_px,
)
from pagesight.engine.mcp.handles import Handle
from pagesight.engine.mcp.local import local_server
from pagesight.storage.errors import ConfigError
from tests.helpers import ROOT, make_pdf
from tests.serving import make_index, serving

READING = {"search", "fetch", "get_page_image", "list_documents", "index_status"}
WRITING = {"index_paths", "remove_documents"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcp")
    make_index(folder)
    return folder


def with_client(target, function, mode="auto"):
    """Run an asynchronous function with a client of the SDK; what it returns."""

    async def run():
        async with AsyncExitStack() as stack:
            transport = await stack.enter_async_context(target()) if callable(target) else target
            return await function(await stack.enter_async_context(Client(transport, mode=mode)))

    return anyio.run(run)


def call(target, name, mode="auto", **arguments):
    """The result of one tool."""
    return with_client(target, lambda client: client.call_tool(name, arguments), mode)


def tools_of(target, mode="auto"):
    return {tool.name: tool for tool in with_client(target, lambda client: client.list_tools(), mode).tools}


@pytest.fixture(scope="module")
def server(folder):
    return local_server(folder / "index")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_search_answers_in_structure_and_text_alike(server, mode):
    result = call(server, "search", mode, query="pears in a basket", k=2)
    assert not result.is_error
    first, second = result.structured_content["results"]
    assert (first["id"], first["document"], first["page"]) == ("fruit/apples.txt:1", "fruit/apples.txt", 1)
    assert first["url"] == "pagesight://pages/fruit/apples.txt/1"
    assert first["title"]
    assert first["snippet"]
    assert first["regions"][0]["score"] > 0
    assert first["score"] > second["score"]
    assert json.loads(result.content[0].text) == result.structured_content
    only = call(server, "search", mode, query="pears", filters="folder = fruit and document ~ '*quinces*'")
    assert [found["document"] for found in only.structured_content["results"]] == ["fruit/quinces.txt"]


def test_schemas_are_flat_and_say_what_they_do(server):
    tools = tools_of(server)
    assert set(tools) == READING
    for tool in tools.values():
        text = json.dumps([tool.input_schema, tool.output_schema])
        for word in ("anyOf", "oneOf", "allOf", '"null"'):
            assert word not in text, tool.name
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 40
        assert tool.output_schema
        assert "ctx" not in tool.input_schema["properties"]


def test_fetch_gives_a_page_or_a_document(server):
    page = call(server, "fetch", id="fruit/apples.txt:1").structured_content
    assert page["text"] == "apples and pears in a basket"
    assert set(page) == {"id", "title", "text", "url", "metadata"}
    assert page["metadata"]["n_pages"] == "1"
    document = call(server, "fetch", id="fruit/apples.txt").structured_content
    assert document["text"] == "[page 1]\napples and pears in a basket"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("fetch", {"id": "none.pdf:3"}, "there is no page none.pdf:3"),
        ("fetch", {"id": "none.pdf"}, "no document and no page 'none.pdf'"),
        ("search", {"query": "?"}, "has no words"),
        ("search", {"query": "pears", "filters": "colour = red"}, "no such field"),
        ("get_page_image", {"document": "none.pdf", "page": 1}, "there is no page none.pdf:1"),
    ],
)
def test_an_error_says_what_to_do(server, name, arguments, message):
    result = call(server, name, **arguments)
    assert result.is_error
    assert message in result.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_page_is_shown_with_its_marks(server, mode):
    from PIL import Image

    result = call(server, "get_page_image", mode, document="wheels.txt", page=1, query="bicycle", max_side=300)
    text, image = result.content
    assert "wheels.txt, page 1 of 1" in text.text
    assert image.mime_type == "image/jpeg"
    picture = Image.open(io.BytesIO(base64.b64decode(image.data)))
    described = result.structured_content
    assert picture.size == (described["width"], described["height"])
    assert max(picture.size) == 300
    assert described["regions"]


@pytest.mark.parametrize(("wanted", "side"), [(0, SIDE_PX), (-5, SIDE_PX), (3, MIN_SIDE_PX), (10**9, MAX_SIDE_PX)])
def test_a_picture_is_of_a_size_that_can_be_seen(wanted, side):
    assert side_px(wanted) == side


def test_pages_are_resources(server):
    async def read(client):
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "pagesight://pages/{+document}/{page}"
        return await client.read_resource("pagesight://pages/fruit/apples.txt/1")

    (content,) = with_client(server, read).contents
    assert content.mime_type == "image/jpeg"
    assert base64.b64decode(content.blob).startswith(b"\xff\xd8")


def test_lists_and_numbers(server):
    listed = call(server, "list_documents", limit=2, offset=1).structured_content
    assert (listed["total"], listed["offset"]) == (3, 1)
    assert [one["document"] for one in listed["documents"]] == ["fruit/quinces.txt", "wheels.txt"]
    status = call(server, "index_status").structured_content
    assert (status["documents"], status["pages"], status["failures"], status["indexing"]) == (3, 3, [], "")


@pytest.mark.thorough
def test_files_of_one_name_are_told_apart_by_their_ids(tmp_path):
    from pagesight import IndexConfig, SearchEngine

    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, text in zip(folders, ["apples and pears", "apples and plums"], strict=True):
        folder.mkdir()
        (folder / "fruit.txt").write_text(text)
    (tmp_path / "two" / "only.txt").write_text("wheels")
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index(folders, IndexConfig(text=True, n_processes=1))
        contents = {hit.sha256 for hit in engine.search("apples", k=3) if hit.document == "fruit.txt"}
    server = local_server(tmp_path / "index")
    results = call(server, "search", query="apples", k=3).structured_content["results"]
    ids = [found["id"] for found in results]
    assert set(ids) == {"only.txt:1", *(f"fruit.txt@{sha256[:12]}:1" for sha256 in contents)}
    listed = call(server, "list_documents").structured_content["documents"]
    assert {f"{one['id']}:1" for one in listed} == set(ids)
    for found in results:
        fetched = call(server, "fetch", id=found["id"]).structured_content
        assert (fetched["id"], fetched["url"]) == (found["id"], found["url"])
        assert fetched["text"].split()[-1] in found["snippet"]
        handle = found["id"].removesuffix(":1")
        whole = call(server, "fetch", id=handle).structured_content
        assert whole["id"] == handle
        assert whole["text"].endswith(fetched["text"])
        picture = call(server, "get_page_image", document=handle, page=1).structured_content
        assert (picture["id"], picture["document"]) == (found["id"], found["document"])
    assert call(server, "fetch", id="fruit.txt:1").structured_content["id"] in ids
    assert call(server, "fetch", id="fruit.txt@000000000000:1").is_error


@pytest.mark.thorough
def test_the_worst_picture_and_the_longest_text_are_small_enough(tmp_path):
    import numpy as np
    from PIL import Image

    from pagesight import IndexConfig, SearchEngine

    noise = np.random.default_rng(1).integers(0, 256, (1500, 1500, 3), np.uint8)
    (tmp_path / "long.txt").write_text("many words " * 4_000)
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([tmp_path / "long.txt"], IndexConfig(text=True, n_processes=1))
        (hit,) = engine.search("many", k=1)
    data, described = page_picture(hit, Handle(hit.document, hit.sha256, True), Image.fromarray(noise), 5_000)
    assert len(data) <= PICTURE_BYTES
    assert max(described.width, described.height) <= 2_000
    result = call(local_server(tmp_path / "index"), "fetch", id="long.txt")
    text = result.structured_content["text"]
    assert MAX_TEXT_CHARS < len(text) < MAX_TEXT_CHARS + 200
    assert "fetch single pages]" in text


def test_writing_is_offered_only_where_it_is_allowed(tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["apples"])
    (tmp_path / "docs" / "way-out").symlink_to("/")
    server = local_server(tmp_path / "index", allow_write=True, folders=[tmp_path / "docs"])
    assert set(tools_of(server)) == READING | WRITING
    assert tools_of(server)["remove_documents"].annotations.destructive_hint
    for path in ("/etc/hostname", str(tmp_path), str(tmp_path / "docs" / "way-out" / "etc")):
        refused = call(server, "index_paths", paths=[path])
        assert refused.is_error
        assert "not below a folder that may be indexed" in refused.content[0].text
    assert "there is no index" in call(server, "search", query="apples").content[0].text
    with pytest.raises(ConfigError, match="changed there"):
        local_server("http://localhost:1", allow_write=True)


@pytest.fixture(scope="module")
def address(folder):
    from pagesight.engine.server.settings import Keys

    pytest.importorskip("fastapi", reason="the server needs the extra [server]")
    keys = Keys(all="the key for everything", read_only="the key for reading")
    settings = {"keys": keys, "allow_write": True, "allowed_folders": (folder / "docs",)}
    with serving(folder, indexes={"notes": str(folder / "index")}, **settings) as address:
        yield address


def over_http(address, key, path="/mcp"):
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    @asynccontextmanager
    async def opened():
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
            yield streamable_http_client(f"{address}{path}", http_client=http)

    return opened


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.thorough
def test_over_http_the_key_decides_which_tools_there_are(address, mode):
    reading, everything = "the key for reading", "the key for everything"
    assert set(tools_of(over_http(address, reading), mode)) == READING
    assert set(tools_of(over_http(address, everything, "/mcp/notes"), mode)) == READING | WRITING
    result = call(over_http(address, reading), "search", mode, query="bicycle", k=1)
    (found,) = result.structured_content["results"]
    assert found["url"] == f"{address}/?doc=wheels.txt&p=1"
    image = call(over_http(address, reading), "get_page_image", mode, document="wheels.txt", page=1, query="bicycle")
    assert image.content[1].mime_type == "image/jpeg"
    written = call(over_http(address, reading), "remove_documents", mode, names=["wheels.txt"])
    assert written.is_error


@pytest.mark.thorough
def test_over_http_a_job_is_begun(address, folder):
    everything = "the key for everything"
    (folder / "docs" / "new.txt").write_text("turnips")
    started = call(over_http(address, everything), "index_paths", paths=[str(folder / "docs" / "new.txt")])
    assert started.structured_content["indexing"].startswith("queued: job ")
    refused = call(over_http(address, everything), "index_paths", paths=["/etc"])
    assert refused.is_error
    for _ in range(600):
        if call(over_http(address, everything), "index_status").structured_content["documents"] == 4:
            break
        time.sleep(0.1)
    removed = call(over_http(address, everything), "remove_documents", names=["new.txt"])
    assert removed.structured_content == {"removed": ["new.txt"]}


def test_without_a_key_there_is_an_answer_in_our_shape(address):
    import urllib.error
    import urllib.request

    request = urllib.request.Request(f"{address}/mcp", b"{}", {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=60)
    with raised.value as answer:
        assert answer.code == 401
        assert json.load(answer)["error"]["code"] == "key_needed"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{address}/mcp", timeout=60)
    with raised.value as answer:
        assert answer.code == 405, "a stream that says nothing would only be held open"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_over_stdio(folder, mode):
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "pagesight", "--index", str(folder / "index"), "mcp"], cwd=ROOT
    )
    assert set(tools_of(parameters, mode)) == READING
    result = call(parameters, "search", mode, query="bicycle", k=1)
    assert result.structured_content["results"][0]["id"] == "wheels.txt:1"
