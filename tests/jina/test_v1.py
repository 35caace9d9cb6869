"""/v1 with a model that sees: pictures, passages, tasks, Matryoshka, beside the model asked directly."""

import base64
import io
import time

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from PIL import Image
from starlette.testclient import TestClient

from pagesight.engine import IndexConfig, JinaEmbeddingsV4, ModelConfig, SearchEngine
from pagesight.engine.server.app import create_app
from pagesight.engine.server.settings import ServerSettings
from tests.jina.checkpoints import make_checkpoint

PIXELS = 40_000


def picture(seed=1, size=(200, 160)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def in_base64(image, kind="PNG"):
    out = io.BytesIO()
    image.save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("v1") / "m")


@pytest.fixture(scope="module")
def client(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("seen")
    picture(5).save(place / "page.png")
    settings = ModelConfig(image_pixels=PIXELS)
    with SearchEngine.open(place / "index", model=str(folder), settings=settings) as engine:
        engine.index([place / "page.png"], IndexConfig(n_processes=1))
    server = ServerSettings(
        indexes={"seen": str(place / "index")}, state=place / "state", allowed_hosts=("testserver",)
    )
    with TestClient(create_app(server)) as opened:
        until = time.monotonic() + 120
        while opened.get("/readyz").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        yield opened


@pytest.fixture(scope="module")
def direct(folder):
    return JinaEmbeddingsV4.from_pretrained(folder)


def ask(client, path="/v1/embeddings", status=200, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.thorough
def test_every_spelling_of_a_picture_is_the_picture(client, direct):
    expected = direct.encode_image(picture(), task="retrieval", max_pixels=PIXELS).numpy()
    data = in_base64(picture())
    uri = f"data:image/png;base64,{data}"
    inputs = [uri, {"image": uri}, {"image": data}, {"bytes": data}]
    for row in ask(client, input=inputs)["data"]:
        np.testing.assert_allclose(row["embedding"], expected, atol=2e-5)


def test_texts_pictures_passages_and_token_vectors(client, direct):
    rows = ask(client, input=["a word", {"image": in_base64(picture())}], return_multivector=True)["data"]
    query = direct.encode_text("a word", task="retrieval", return_multivector=True).numpy()
    np.testing.assert_allclose(rows[0]["embeddings"], query, atol=2e-5)
    assert len(rows[1]["embeddings"][0]) == query.shape[1]
    passage = direct.encode_text("a word", task="retrieval", prompt_name="passage").numpy()
    (row,) = ask(client, input="a word", task="retrieval.passage")["data"]
    np.testing.assert_allclose(row["embedding"], passage, atol=2e-5)
    assert not np.allclose(passage, direct.encode_text("a word", task="retrieval").numpy(), atol=1e-3)


def test_a_task_that_the_model_was_not_loaded_for_is_refused(client):
    assert "was loaded for retrieval, not for code" in ask(client, input="x", task="code.query", status=400)["detail"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (base64.b64encode(b"no picture").decode(), "input.1: a picture of 10 bytes cannot be read"),
        (in_base64(picture(size=(4000, 2))), "too thin"),
        (in_base64(Image.new("1", (8000, 7000))), "8000 x 7000 pixels, more than 50,000,000"),
    ],
)
def test_a_picture_that_cannot_be_is_named(client, data, message):
    answer = ask(client, input=["fine", {"image": data}], status=400)
    assert message in answer["detail"]
    assert answer["error"]["param"] == "input.1"


def test_pictures_are_ranked_against_texts_and_pages(client):
    data = in_base64(picture(5))
    answer = ask(
        client,
        "/v1/rerank",
        query={"image": data},
        documents=[{"text": "words"}, {"image": in_base64(picture(9))}, {"page": "page.png:1"}, {"image": data}],
    )
    assert {answer["results"][0]["index"], answer["results"][1]["index"]} == {2, 3}, "the same picture, and its page"
    assert answer["results"][0]["relevance_score"] > 0.98
    shown = {result["index"]: result.get("document") for result in answer["results"]}
    assert shown == {0: {"text": "words"}, 1: None, 2: {"page": "page.png:1"}, 3: None}
