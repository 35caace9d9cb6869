"""The whole engine with a checkpoint of jina-embeddings-v4's layout."""

import shutil

import numpy as np
import pytest
from PIL import Image

from pagesight.engine import IndexConfig, JinaEmbeddingsV4, ModelConfig, SearchEngine
from pagesight.engine.explain import on_page
from pagesight.engine.models import load_model
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.errors import BadCheckpoint, ConfigError, EmptyQuery, ModelMismatch, UnreadableDocument
from pagesight.storage.values import PageWords
from tests.helpers import ROOT, make_pdf
from tests.jina.checkpoints import make_checkpoint

SAMPLE_DOCS = ROOT / "sample_docs"
SMALL = ModelConfig(image_pixels=40_000)  # about 50 tokens a page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "m", shards=2)


@pytest.fixture(scope="module")
def encoder(folder):
    return load_model(str(folder), SMALL)


def page(width=300, height=400, number=1):
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
    return PageContent(
        number=number, width_pt=width, height_pt=height, words=PageWords.none(), text_source="none", image=pixels
    )


@pytest.mark.thorough  # parts of it, with fewer pages, are below and in test_pocket.py
def test_index_search_remove_reopen_refuse(tmp_path):
    """A life of an index over all sample documents."""
    with SearchEngine.open(tmp_path / "index", model="pocket", settings=SMALL) as engine:
        planned = engine.estimate([SAMPLE_DOCS], IndexConfig(n_processes=2))
        assert not (tmp_path / "index").exists()
        outcomes = list(engine.index([SAMPLE_DOCS], IndexConfig(n_processes=2)))
        assert {str(outcome.status) for outcome in outcomes} <= {"indexed", "skipped"}
        n_pages = sum(outcome.n_pages for outcome in outcomes)
        totals = engine.totals()
        assert totals.n_pages == n_pages > 60
        assert 40 * n_pages < totals.n_tokens < 75 * n_pages
        assert planned.exact
        assert (planned.n_pages, planned.n_vectors) == (n_pages, totals.n_tokens)
        vectors = [path for path in (tmp_path / "index").iterdir() if path.suffix in (".seg", ".i8", ".f16")]
        assert planned.n_bytes == pytest.approx(sum(path.stat().st_size for path in vectors), rel=0.1)
        assert planned.seconds > 0
        assert totals.n_pages_by_ocr == 0  # the model sees the page: no need to read its pixels

        hits = engine.search("repairs of the coffee machine", k=5)
        exact = engine.search("repairs of the coffee machine", k=5, exact=True)
        assert len(hits) == 5
        assert [hit.name for hit in hits] == [hit.name for hit in exact]
        for hit in hits:
            assert hit.regions
            for x0, y0, x1, y1 in (region.box for region in hit.regions):
                assert 0 <= x0 < x1 <= 1
                assert 0 <= y0 < y1 <= 1
            assert len(hit.matches) == len(engine.encoder.encode_queries(["repairs of the coffee machine"])[0].tokens)
        scanned = engine.search("the observatory", k=1, filters='document ~ "*letter*"', exact=True)[0]
        assert scanned.regions  # a page without words is found and marked too
        (picture,) = engine.pictures(hits[:1])
        assert picture.size[0] * picture.size[1] > 1_000_000

        gone = engine.remove(hits[0].document)
        assert gone == [hits[0].document]
        again = engine.estimate([SAMPLE_DOCS], IndexConfig(n_processes=1))
        assert (again.n_files, again.n_pages) == (1, hits[0].n_pages)
        assert hits[0].document not in {hit.document for hit in engine.search("repairs of the coffee machine", k=50)}

    with SearchEngine.open(tmp_path / "index") as engine:  # model and budget come from the index
        again = engine.search("repairs of the coffee machine", k=5)
        assert engine.encoder.image_pixels == 4 * 40_000
        assert [hit.name for hit in again][:3] == [hit.name for hit in exact if hit.document not in gone][:3]

    other = make_checkpoint(tmp_path / "other", seed=1)
    with SearchEngine.open(tmp_path / "index", model=str(other)) as engine:
        with pytest.raises(ModelMismatch, match=r"was built with .*, not with .*other"):
            engine.search("anything")
        with pytest.raises(ModelMismatch):
            list(engine.index([SAMPLE_DOCS]))
    with pytest.raises(ModelMismatch, match="image_pixels 40000, not with image_pixels 50000"):
        SearchEngine.open(tmp_path / "index", settings=ModelConfig(image_pixels=50_000))
    with pytest.raises(ModelMismatch, match="task as the model has it, not with task code"):
        SearchEngine.open(tmp_path / "index", settings=ModelConfig(task="code"))
    with pytest.raises(ModelMismatch):
        SearchEngine.open(tmp_path / "index", model="multilingual-e5-small")


def test_an_index_finds_its_model_where_it_lies_now(folder, tmp_path):
    make_pdf(tmp_path / "a.pdf", ["apples"])
    shutil.copytree(folder, tmp_path / "before")
    with SearchEngine.open(tmp_path / "index", model=str(tmp_path / "before"), settings=SMALL) as engine:
        list(engine.index([tmp_path / "a.pdf"]))
    load_model.cache_clear()
    (tmp_path / "before").rename(tmp_path / "after")
    with SearchEngine.open(tmp_path / "index", model=str(tmp_path / "after")) as engine:
        assert engine.search("apples", k=1)[0].name == "a.pdf:1"


def test_pages_are_encoded_as_pictures_are(folder, encoder):
    """The encoder's vectors are those of encode_image, whatever pages share a batch."""
    pages = [page(300, 400, 1), page(500, 200, 2), page(90, 90, 3)]
    encoded = encoder.encode_pages(pages)
    model = JinaEmbeddingsV4.from_pretrained(folder)
    for one, found in zip(pages, encoded, strict=True):
        picture = Image.fromarray(one.image)
        single = model.encode_image(picture, task="retrieval", max_pixels=40_000).numpy()
        multi = model.encode_image(picture, task="retrieval", max_pixels=40_000, return_multivector=True).numpy()
        np.testing.assert_allclose(found.single, single, atol=1e-5)
        np.testing.assert_allclose(found.tokens, multi, atol=1e-5)
        assert len(found.tokens) == encoder.count_tokens(*picture.size)
        placed = on_page(found.boxes)
        assert len(placed) == len(found.tokens) - 11  # the prompt is nowhere on the page
        areas = (found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])
        assert areas.sum() == pytest.approx(1, abs=1e-5)


def test_questions_are_encoded_as_texts_are(folder, encoder):
    query, other = encoder.encode_queries(["which page", "the turnover of the year?"])
    model = JinaEmbeddingsV4.from_pretrained(folder)
    expected = model.encode_text("which page", task="retrieval", return_multivector=True).numpy()
    np.testing.assert_allclose(query.tokens, expected, atol=1e-5)
    assert query.token_texts == ("Query", ":", " which", " page")
    assert len(other.token_texts) == len(other.tokens)
    with pytest.raises(EmptyQuery):
        encoder.encode_queries(["?!"])


def test_the_number_of_vectors_is_known_for_every_page_that_is_drawn(encoder):
    options = ReadOptions(ocr="off", image_pixels=encoder.image_pixels)
    path = SAMPLE_DOCS / "office" / "coffee-survey-2025.pdf"
    with PageReader(options, n_processes=1, seconds_per_page=60) as reader:
        pages = reader.read(path, 1, 2).result()
    for one, encoded in zip(pages, encoder.encode_pages(pages), strict=True):
        height, width = one.image.shape[:2]
        assert height * width <= 1.01 * encoder.image_pixels  # the edge of a page falls between pixels
        assert len(encoded.tokens) == encoder.count_tokens(width, height)


def test_a_page_too_thin_for_the_model_fails_with_its_reason(encoder):
    with pytest.raises(UnreadableDocument, match="page 7: a picture of 2 x 900 pixels is too thin"):
        encoder.encode_pages([page(2, 900, 7)])


@pytest.mark.thorough
def test_the_fingerprint_tells_what_changes_vectors(folder, encoder, tmp_path):
    def fingerprint(where=folder, **settings):
        return load_model(str(where), ModelConfig(**settings)).fingerprint

    usual = fingerprint()
    assert fingerprint(task="retrieval") == usual
    assert fingerprint(single_dim=48, image_pixels=602_112) == usual  # said, and the same
    assert fingerprint(batch_tokens=100, dtype="bfloat16") == usual
    others = {
        encoder.fingerprint,
        fingerprint(task="code"),
        fingerprint(single_dim=12),
        fingerprint(make_checkpoint(tmp_path / "other", seed=1)),
        usual,
    }
    assert len(others) == 5
    shutil.copytree(folder, tmp_path / "copy")
    assert fingerprint(tmp_path / "copy") == usual


@pytest.mark.thorough
def test_settings_that_a_model_does_not_have(folder):
    with pytest.raises(ConfigError, match="hashing has no choice of task, device; leave it out"):
        load_model("hashing", ModelConfig(task="code", device="cuda"))
    assert load_model("hashing", ModelConfig(device="cpu")).name == "hashing"
    with pytest.raises(ConfigError, match="there is no task 'search'"):
        load_model(str(folder), ModelConfig(task="search"))
    with pytest.raises(ConfigError, match="cannot be cut to 13 dimensions"):
        load_model(str(folder), ModelConfig(single_dim=13))
    with pytest.raises(ConfigError, match="image_pixels must be at least 3,136, not 100"):
        load_model(str(folder), ModelConfig(image_pixels=100))
    with pytest.raises(ConfigError, match="image_pixels must be positive"):
        ModelConfig(image_pixels=0)


def test_a_broken_checkpoint_makes_no_index(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "m")
    (tmp_path / "m" / "model-00001-of-00002.safetensors").write_bytes(b"x")
    make_pdf(tmp_path / "a.pdf", ["apples"])
    with SearchEngine.open(tmp_path / "index", model=str(tmp_path / "m")) as engine:
        with pytest.raises(BadCheckpoint, match="it was cut short"):
            list(engine.index([tmp_path / "a.pdf"]))
    assert not (tmp_path / "index").exists()
