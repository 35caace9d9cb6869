"""What the server answers is what the engine answers."""

import io
import json
from urllib.parse import quote

import pytest
from PIL import Image, ImageChops

from pagesight import IndexConfig, SearchEngine
from pagesight.engine.server.errors import NotReady, TookTooLong, described
from pagesight.storage.errors import ModelError, StoreClosed
from tests.helpers import make_pdf
from tests.integration.test_odd_pdfs import with_attachments
from tests.server.conftest import HTML, PAGES, make_index, opened

ODD = "office/rules & notes #1.pdf"
ODD_PATH = "office/rules%20%26%20notes%20%231.pdf"


def ask(client, **body):
    answer = client.post("/api/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "detail"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["detail"] == body["error"]["message"]
    return body["error"]


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"query": "bank loans in 2028"}, {}),
        ({"query": "lamps", "k": 2}, {"k": 2}),
        ({"query": "lamps", "exact": True, "candidates": 3, "k": 1}, {"exact": True, "n_candidates": 3, "k": 1}),
        ({"query": "lamps", "filters": "kind = pdf and page = 1"}, {"filters": "kind = pdf and page = 1"}),
    ],
    ids=["plain", "k", "exact", "filters"],
)
def test_hits_are_those_that_the_command_line_prints(client, index, body, asked):
    found = ask(client, **body)
    with SearchEngine.open(index) as engine:
        expected = engine.search(body["query"], **asked)
    (answer,) = found["results"]
    assert answer["query"] == body["query"]
    for hit, ours in zip(answer["hits"], expected, strict=True):
        printed = json.loads(json.dumps(ours.to_dict()))
        assert {name: hit[name] for name in printed} == printed
        assert [hit["snippet"][a:b] for a, b in hit["highlights"]] == [ours.snippet[a:b] for a, b in ours.snippet_spans]
    assert set(found["milliseconds"]) == {"encode", "recall", "rerank", "describe"}


def test_every_503_says_when_to_ask_again():
    for error in (ModelError("x"), StoreClosed("x"), NotReady("x"), TookTooLong("x")):
        status, _, headers = described(error)
        assert (status, headers["Retry-After"].isdigit()) == (503, True)


def test_several_questions_are_answered_in_order_in_one_state(client):
    found = ask(client, queries=["lamps", "bicycles", "lamps"], k=1)
    assert [answer["query"] for answer in found["results"]] == ["lamps", "bicycles", "lamps"]
    first, second, third = (answer["hits"][0] for answer in found["results"])
    assert second["document"] == ODD
    assert (second["page"], first) == (2, third)
    assert found["index"] == "docs"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 400, "bad_request", "query"),
        ({"query": "a", "queries": ["b"]}, 400, "bad_request", "query"),
        ({"query": ""}, 400, "invalid_value", "query"),
        ({"query": "?!"}, 400, "empty_query", None),
        ({"query": "a" * 4001}, 400, "invalid_value", "query"),
        ({"queries": []}, 400, "invalid_value", "queries"),
        ({"queries": ["a"] * 65}, 400, "invalid_value", "queries"),
        ({"query": "lamps", "k": "3"}, 400, "invalid_value", "k"),
        ({"query": "lamps", "k": 0}, 400, "invalid_value", "k"),
        ({"query": "lamps", "k": 10**30}, 400, "invalid_value", "k"),
        ({"query": "lamps", "exact": 1}, 400, "invalid_value", "exact"),
        ({"query": "lamps", "filters": "colour = red"}, 400, "bad_filter", None),
        ({"query": "lamps", "nonsense": 1}, 400, "invalid_value", "nonsense"),
        ({"query": "lamps", "index": "other"}, 404, "not_found", None),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(client, body, status, code, param):
    error = error_of(client.post("/api/search", json=body), status)
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize("body", [b"", b"{", b'"lamps"', b'{"query": "\\ud800"}', b"\xff", b"[" * 10_000])
def test_what_is_no_request_is_refused(client, body):
    error_of(client.post("/api/search", content=body), 400)


def test_pages_like_a_page_are_others(client):
    answer = client.get("/api/similar", params={"document": "finance/report.pdf", "page": 2, "k": 3})
    hits = answer.json()["results"][0]["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert ("finance/report.pdf", 2) not in {(hit["document"], hit["page"]) for hit in hits}
    error_of(client.get("/api/similar", params={"document": "finance/report.pdf", "page": 9}), 404)


def test_documents_pages_numbers(client):
    found = client.get("/api/documents", params={"filters": "kind = pdf", "limit": 2}).json()
    assert found["total"] == 3
    assert [document["document"] for document in found["documents"]] == ["finance/invoice.pdf", "finance/report.pdf"]
    rest = client.get("/api/documents", params={"filters": "kind = pdf", "offset": 2}).json()
    assert [document["document"] for document in rest["documents"]] == [ODD]
    assert client.get(f"/api/documents/{ODD_PATH}").json()["n_pages"] == 3
    page = client.get(f"/api/documents/{ODD_PATH}/pages/2", params={"q": "bicycles"}).json()
    assert page["text"] == PAGES[ODD][1]
    assert page["hit"]["regions"]
    assert client.get(f"/api/documents/{ODD_PATH}/pages/2").json()["hit"]["regions"] == []
    error_of(client.get(f"/api/documents/{ODD_PATH}/pages/4"), 404)
    error_of(client.get("/api/documents/nothing.pdf"), 404)
    totals = client.get("/api/totals").json()
    assert (totals["n_pages"], totals["model"]) == (7, "hashing")
    assert client.get("/api/failures").json() == {"total": 0, "failures": []}
    facets = client.get("/api/facets").json()
    assert {facet["value"]: facet["documents"] for facet in facets["kinds"]} == {"pdf": 3, "document": 1}
    assert facets["tags"]["year"] == [{"value": "2025", "documents": 4}]
    assert {facet["value"] for facet in facets["folders"]} == {"finance", "office"}


def test_each_word_of_a_question_has_its_own_places(client):
    found = client.get(f"/api/documents/{ODD_PATH}/pages/2/heat", params={"q": "bicycles, cellar!"}).json()["words"]
    assert [word["word"] for word in found] == ["bicycles,", "cellar!"]
    assert sum(word["weight"] for word in found) == pytest.approx(1, abs=0.01)
    first, second = (word["places"][0] for word in found)
    assert first["heat"] == second["heat"] == 1
    assert first["box"][2] <= second["box"][0]  # the words stand in this order


@pytest.mark.thorough
def test_a_page_with_nothing_on_it_is_a_page(tmp_path):
    from pagesight import IndexConfig
    from pagesight.engine.server.settings import ServerSettings
    from tests.helpers import make_pdf

    make_pdf(tmp_path / "docs/blank.pdf", ["a page about lamps", ""])
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([tmp_path / "docs"], IndexConfig(n_processes=1, ocr="off"))
    with opened(ServerSettings(indexes={"docs": str(tmp_path / "index")})) as client:
        page = "/api/documents/blank.pdf/pages/2"
        assert client.get(page, params={"q": "lamps"}).json()["hit"]["regions"] == []
        assert client.get(f"{page}/heat", params={"q": "lamps"}).json() == {"words": []}
        assert client.get(f"{page}/image", params={"query": "lamps", "max_side": 100}).status_code == 200
        similar = client.get("/api/similar", params={"document": "blank.pdf", "page": 2})
        assert similar.json()["results"][0]["hits"] == []


def test_a_picture_is_drawn_marked_and_known_again(client):
    address = f"/api/documents/{ODD_PATH}/pages/2/image"
    plain = client.get(address, params={"max_side": 500, "format": "png"})
    marked = client.get(address, params={"max_side": 500, "format": "png", "query": "bicycles"})
    assert plain.headers["content-type"] == "image/png"
    pictures = [Image.open(io.BytesIO(answer.content)).convert("RGB") for answer in (plain, marked)]
    assert pictures[0].size == pictures[1].size
    assert max(pictures[0].size) == 500
    assert ImageChops.difference(*pictures).getbbox() is not None
    assert Image.open(io.BytesIO(client.get(address).content)).format == "WEBP"
    again = client.get(
        address, params={"max_side": 500, "format": "png"}, headers={"If-None-Match": plain.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(
        address, params={"max_side": 501, "format": "png"}, headers={"If-None-Match": plain.headers["etag"]}
    )
    assert other.status_code == 200
    error_of(client.get(address, params={"max_side": 100_000}), 400)
    error_of(client.get(address, params={"format": "svg"}), 400)


def test_a_pdf_is_shown_by_the_browser_from_any_byte_and_html_never(client, index):
    whole = (index.parent / "docs" / "finance/report.pdf").read_bytes()
    address = "/api/documents/finance/report.pdf/file"
    answer = client.get(address)
    assert (answer.content, answer.headers["content-type"]) == (whole, "application/pdf")
    assert answer.headers["content-disposition"].startswith("inline")
    for asked, first, last in [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        (f"bytes={len(whole) - 5}-", len(whole) - 5, len(whole) - 1),
        ("bytes=-7", len(whole) - 7, len(whole) - 1),
        (f"bytes=5-{10**17}", 5, len(whole) - 1),
    ]:
        part = client.get(address, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, whole[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    for asked in ("bytes=0-1,4-5", "lines=0-1", "bytes=-", "bytes=x-y"):
        assert client.get(address, headers={"Range": asked}).status_code == 200
    for asked in (f"bytes={len(whole)}-", "bytes=9-3", "bytes=-0"):
        nothing = client.get(address, headers={"Range": asked})
        error_of(nothing, 416)
        assert nothing.headers["content-range"] == f"bytes */{len(whole)}"
    assert client.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    head = client.head(address, headers={"Range": "bytes=10-19"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (206, b"", "10")
    stale = client.get(address, headers={"Range": "bytes=0-0", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, whole)
    html = client.get("/api/documents/page.html/file")
    assert html.text == HTML
    assert html.headers["content-type"] == "application/octet-stream"
    assert html.headers["content-disposition"] == "attachment; filename*=UTF-8''page.html"
    assert "sandbox" in html.headers["content-security-policy"]


def test_only_the_bytes_that_were_indexed_are_shown(tmp_path):
    from pagesight.engine.server.settings import ServerSettings

    index = make_index(tmp_path)
    report, secret = tmp_path / "docs/finance/report.pdf", tmp_path / "secret.pdf"
    secret.write_bytes((tmp_path / "docs/finance/invoice.pdf").read_bytes())
    with opened(ServerSettings(indexes={"docs": str(index)})) as client:
        addresses = [f"/api/documents/finance/report.pdf/{rest}" for rest in ("file", "pages/1/image")]
        report.unlink()
        report.symlink_to(secret)
        for address in addresses:
            assert "was changed since it was indexed" in error_of(client.get(address), 422)["message"]
        report.unlink()
        for address in addresses:
            assert "is not there" in error_of(client.get(address), 422)["message"]
        report.mkdir()
        for address in addresses:
            error_of(client.get(address), 422)
        assert ask(client, query="turnover", k=1)["results"][0]["hits"][0]["document"] == "finance/report.pdf"


@pytest.mark.thorough
def test_an_attachment_has_pictures_and_no_file_of_its_own(tmp_path):
    from pagesight.engine.server.settings import ServerSettings

    outer = tmp_path / "docs" / "letter.pdf"
    inner = make_pdf(tmp_path / "contract.pdf", ["the krypton supplier"]).read_bytes()
    outer.parent.mkdir()
    with_attachments(outer, "see the attached file", {"contract.pdf": inner})
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([outer.parent], IndexConfig(n_processes=1, ocr="off"))
    with opened(ServerSettings(indexes={"docs": str(tmp_path / "index")})) as client:
        hit = ask(client, query="krypton", k=1)["results"][0]["hits"][0]
        assert hit["document"] == "letter.pdf > contract.pdf"
        address = f"/api/documents/{quote(hit['document'], safe='')}"
        assert client.get(f"{address}/pages/1/image").status_code == 200
        assert "get the one it is attached to" in error_of(client.get(f"{address}/file"), 422)["message"]


@pytest.mark.slow
def test_a_picture_asks(client):
    """A model that reads words reads it by OCR."""
    picture = client.get(f"/api/documents/{ODD_PATH}/pages/2/image", params={"format": "png"}).content
    found = client.post("/api/search/picture", params={"k": 1}, content=picture).json()["results"][0]
    assert found["query"] is None
    assert (found["hits"][0]["document"], found["hits"][0]["page"]) == (ODD, 2)
    error_of(client.post("/api/search/picture", content=b""), 400)
    error_of(client.post("/api/search/picture", content=b"GIF89a no picture at all"), 422)
    error_of(client.post("/api/search/picture", content=b"%PDF-1.7 no picture"), 422)


def test_paths_are_hidden_if_the_server_is_told_so(index):
    from pagesight.engine.server.settings import ServerSettings

    with opened(ServerSettings(indexes={"docs": str(index)}, hide_paths=True)) as client:
        text = json.dumps(ask(client, query="lamps")) + client.get("/api/documents").text
        assert str(index.parent) not in text


def test_numbers_for_prometheus(client):
    ask(client, query="lamps")
    text = client.get("/metrics").text
    for stage in ("encode", "recall", "rerank", "describe"):
        assert f'pagesight_stage_seconds_count{{stage="{stage}"}}' in text
    assert 'route="/api/search",status="200"' in text
    assert 'pagesight_index_pages{index="docs"} 7.0' in text
    client.get("/api/documents/made-up-by-a-client")
    client.get("/made-up-by-a-client")
    assert "made-up" not in client.get("/metrics").text


@pytest.mark.thorough
def test_an_index_that_appears_or_is_exchanged_is_served_without_a_restart(tmp_path, index):
    import shutil

    from starlette.testclient import TestClient

    from pagesight.engine.server.app import create_app
    from pagesight.engine.server.routes.status import NO_REASON
    from pagesight.engine.server.settings import Keys, ServerSettings
    from tests.server.conftest import wait_for

    place, key = tmp_path / "index", "a-key-to-read-with-only"
    settings = ServerSettings(indexes={"later": str(place)}, keys=Keys(read_only=key))
    with TestClient(
        create_app(settings), base_url="http://localhost", headers={"Authorization": f"Bearer {key}"}
    ) as client:
        wait_for(lambda: client.post("/api/search", json={"query": "lamps"}).status_code == 404)
        ready = client.get("/readyz")
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "2")
        assert str(place) in ready.json()["problems"]["later"]
        without_key = client.get("/readyz", headers={"Authorization": ""})
        assert without_key.json() == {"ready": False, "problems": {"later": NO_REASON}}
        shutil.copytree(index, tmp_path / "copy")
        (tmp_path / "copy").rename(place)
        wait_for(lambda: client.post("/api/search", json={"query": "lamps"}).status_code == 200)
        assert client.get("/readyz").status_code == 200
        with SearchEngine.open(tmp_path / "other", model="hashing") as engine:
            (tmp_path / "one.txt").write_text("something else")
            engine.index([tmp_path / "one.txt"])
        place.rename(tmp_path / "before")
        (tmp_path / "other").rename(place)
        wait_for(lambda: client.get("/api/totals").json().get("n_pages") == 1)
