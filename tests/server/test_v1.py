"""/v1 and /v2: vectors and relevance as clients of OpenAI, Jina and Cohere ask for them. The clients themselves: tests/clients."""

import base64
import io
import socket
import threading
import time
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from starlette.testclient import TestClient

from pagesight import IndexConfig, SearchEngine
from pagesight.engine.models import load_model
from pagesight.engine.server.app import create_app
from pagesight.engine.server.fetch import is_public
from pagesight.engine.server.settings import ServerSettings
from pagesight.indexer.reading.text_file import text_page

TEXTS = ["apples and pears", "a bicycle for the family", "the price of apples"]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v1")
    (folder / "docs").mkdir()
    for name, text in (("fruit.txt", "apples and pears in a basket"), ("wheels.txt", "a bicycle for everybody")):
        (folder / "docs" / name).write_text(text)
    with SearchEngine.open(folder / "index", model="hashing") as engine:
        engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1))
    settings = ServerSettings(indexes={"notes": str(folder / "index")}, allowed_hosts=("testserver",))
    with TestClient(create_app(settings)) as opened:
        while opened.get("/readyz").status_code != 200:
            time.sleep(0.05)
        yield opened


def ask(client, path="/v1/embeddings", status=200, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def png(size=(40, 30)):
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_a_vector_is_that_of_the_model_for_a_question(client):
    answer = ask(client, model="hashing", input=TEXTS)
    expected = load_model("hashing").encode_queries(TEXTS)
    assert (answer["object"], answer["model"]) == ("list", "hashing")
    assert [row["index"] for row in answer["data"]] == [0, 1, 2]
    for row, query in zip(answer["data"], expected, strict=True):
        assert row["object"] == "embedding"
        assert set(row) == {"object", "index", "embedding"}
        np.testing.assert_allclose(row["embedding"], query.single, rtol=1e-6)
    n_tokens = sum(len(query.tokens) for query in expected)
    assert answer["usage"] == {"prompt_tokens": n_tokens, "total_tokens": n_tokens}


@pytest.mark.parametrize("one", [TEXTS[0], [TEXTS[0]], [{"text": TEXTS[0]}]], ids=["text", "list", "object"])
def test_all_spellings_of_a_text_are_one(client, one):
    assert ask(client, input=one)["data"] == ask(client, model="hashing", input=TEXTS[:1])["data"]


def test_a_passage_is_what_a_page_with_this_text_has(client):
    (row,) = ask(client, input=TEXTS[:1], task="retrieval.passage", return_multivector=True)["data"]
    (page,) = load_model("hashing").encode_pages([text_page(TEXTS[0])])
    np.testing.assert_allclose(row["embeddings"], page.tokens, rtol=1e-6)
    assert "embedding" not in row


def test_encodings_say_the_same(client):
    vector = np.array(ask(client, input=TEXTS[0])["data"][0]["embedding"], np.float32)

    def encoded(**how):
        return ask(client, input=TEXTS[0], **how)["data"][0]["embedding"]

    for how in ({"encoding_format": "base64"}, {"embedding_type": "base64"}, {"encoding_type": "base64"}):
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(encoded(**how)), "<f4"), vector)
    several = encoded(embedding_type=["float", "ubinary", "binary"])
    np.testing.assert_allclose(several["float"], vector)
    np.testing.assert_array_equal(np.unpackbits(np.array(several["ubinary"], np.uint8)), vector > 0)
    assert [value - 128 for value in several["ubinary"]] == several["binary"]
    (row,) = ask(client, input=TEXTS[0], return_multivector=True, encoding_format="base64")["data"]
    assert len(row["embeddings"]) == 3
    assert len(base64.b64decode(row["embeddings"][0])) == 4 * 16


def test_dimensions_are_cut_and_scaled_to_length_one(client):
    whole, part = (np.array(ask(client, input=TEXTS[0], dimensions=d)["data"][0]["embedding"]) for d in (16, 8))
    np.testing.assert_allclose(part, whole[:8] / np.linalg.norm(whole[:8]), rtol=1e-5)
    error = ask(client, input=TEXTS[0], dimensions=7, status=400)["error"]
    assert error["param"] == "dimensions"
    assert "have 4, 8, 16 dimensions, not 7" in error["message"]
    refused = ask(client, input=TEXTS[0], dimensions=8, return_multivector=True, status=400)
    assert refused["error"]["param"] == "dimensions"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"input": [[1, 2]]}, 400, "check_embedding_ctx_length=False"),
        ({"input": [1, 2]}, 400, "check_embedding_ctx_length=False"),
        ({"input": []}, 400, "input"),
        ({"input": ["fine", "  "]}, 400, "input.1: the text '  ' has no words"),
        ({"input": [{"image": png()}]}, 400, "sees no pictures"),
        ({"input": ["fine", {"image": "&&&"}]}, 400, "input.1: the picture is not in base64"),
        ({"input": ["data:image/png," + png()]}, 400, "data URI is in base64"),
        ({"input": [{"url": "http://localhost/x.png"}]}, 400, "fetches no addresses"),
        ({"input": [{"image": "https://example.com/x.png"}]}, 400, "fetches no addresses"),
        ({"input": [{"text": "a", "image": png()}]}, 400, "either a text or a picture"),
        ({"input": [{}]}, 400, "either a text or a picture"),
        ({"input": ["a"], "task": "code.query"}, 400, "not for code"),
        ({"input": ["a"], "model": "text-embedding-3-small"}, 404, "there is no model 'text-embedding-3-small'"),
        ({"input": ["a"], "late_chunking": True}, 400, "late_chunking"),
        ({"input": ["a"], "surprise": 1}, 400, "surprise"),
        ({"model": "hashing"}, 400, "input"),
    ],
)
def test_what_cannot_be_answered_is_said_in_the_shape_of_both(client, body, status, message):
    answer = ask(client, status=status, **body)
    assert message in answer["error"]["message"]
    assert answer["detail"] == answer["error"]["message"]
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    if status == 404:
        assert answer["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("body", [b'{"input": ["a", "\\ud800"]}', b'{"input": NaN}', b"{", b"[]", b'{"input": "\xff"}'])
def test_what_is_no_text_is_refused(client, body):
    answer = client.post("/v1/embeddings", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_models_are_listed(client):
    (model,) = client.get("/v1/models").json()["data"]
    assert (model["id"], model["object"], model["dimensions"]) == ("hashing", "model", [16, 8, 4])


def test_rerank_puts_the_answer_first(client):
    answer = ask(client, "/v1/rerank", model="hashing", query="price of apples", documents=TEXTS, top_n=None)
    assert [result["index"] for result in answer["results"]] == [2, 0, 1]
    scores = [result["relevance_score"] for result in answer["results"]]
    assert scores[0] == 1.0, "every word of the query is there"
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert answer["results"][0]["document"] == {"text": TEXTS[2]}
    assert answer["usage"]["total_tokens"] > 0
    (best,) = ask(client, "/v2/rerank", query={"text": "price of apples"}, documents=TEXTS, top_n=1)["results"]
    assert best == {"index": 2, "relevance_score": 1.0}


def test_pages_of_the_index_are_ranked_as_a_search_ranks_them(client):
    documents = [{"page": "wheels.txt:1"}, {"page": "fruit.txt:1"}, "plums"]
    answer = ask(client, "/v1/rerank", query="pears", documents=documents)
    assert answer["results"][0]["index"] == 1
    assert answer["results"][0]["relevance_score"] == pytest.approx(1, abs=0.01), "but for the codec of the index"
    assert answer["results"][0]["document"] == {"page": "fruit.txt:1"}
    missing = ask(client, "/v1/rerank", query="pears", documents=[{"page": "none.txt:1"}], status=404)
    assert "no page 'none.txt:1'" in missing["detail"]


@pytest.mark.parametrize("documents", [[], ["a"] * 1001, [{"page": "no number"}], [3]])
def test_documents_that_cannot_be(client, documents):
    ask(client, "/v1/rerank", query="pears", documents=documents, status=400)


def test_a_document_without_a_word_comes_last_with_nothing(client):
    answer = ask(client, "/v2/rerank", query="pears", documents=["", "...", "pears", "\N{PEAR}"])
    scores = [(result["index"], result["relevance_score"]) for result in answer["results"]]
    assert scores == [(2, 1.0), (0, 0.0), (1, 0.0), (3, 0.0)]
    wordless = ask(client, "/v2/rerank", query="pears", documents=[""])["results"]
    assert wordless == [{"index": 0, "relevance_score": 0.0}]


def test_a_document_that_cannot_be_read_is_named_by_its_place_among_all(client):
    documents = [{"page": "fruit.txt:1"}, "", {"image": base64.b64encode(b"no picture").decode()}]
    answer = ask(client, "/v1/rerank", query="pears", documents=documents, status=400)
    assert answer["error"]["param"] == "documents.2"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::a00:1", False),
        ("fec0::1", False),
        ("::10.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("2002:a00:1::", False),
    ],
)
def test_only_public_addresses_are_fetched(address, public):
    assert is_public(address) is public


def test_a_name_that_leads_home_is_not_fetched():
    from pagesight.engine.server.errors import BadRequest
    from pagesight.engine.server.fetch import fetch

    for address in ("http://localhost/", "http://127.0.0.1/", "http://2130706433/", "http://[::1]/"):
        with pytest.raises(BadRequest, match="not public"):
            fetch(address, max_bytes=10)
    for address in (
        "file:///etc/passwd",
        "http://user@example.com/",
        "http://example.com:22/",
        "http://[bad/",
        "ftp://a",
    ):
        with pytest.raises(BadRequest, match=r"not fetched|no address"):
            fetch(address, max_bytes=10)


@pytest.mark.parametrize("host", ["a..b", "a" * 70, "\ud800"])
def test_what_can_be_no_name_is_not_fetched(host):
    from pagesight.engine.server.errors import BadRequest
    from pagesight.engine.server.fetch import fetch

    with pytest.raises(BadRequest, match="cannot be fetched"):
        fetch(f"http://{host}/x.png", max_bytes=10)


@pytest.mark.parametrize(
    ("begin", "seconds"),
    [(b"HTTP/1.1 200 OK\r\n", 0.15), (b"HTTP/1.1 200 OK\r\n\r\n", 0.15), (b"HTTP/1.1 200 OK\r\n", 0.0)],
    ids=["headers", "body", "too late to ask"],
)
def test_a_server_that_sends_a_little_at_a_time_is_left(monkeypatch, begin, seconds):
    from pagesight.engine.server import fetch

    monkeypatch.setattr(fetch, "public_address", lambda host, port: "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle():
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(begin)
                for _ in range(1200):
                    connection.sendall(b"X: y\r\n")
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle)
        thread.start()
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="not sent within"):
            fetch._read("slow.example", server.getsockname()[1], False, "/", 1 << 20, began + seconds)
        assert time.monotonic() - began < 30
        thread.join()
