"""OCR: what a line says does not depend on its neighbours, and nothing is read twice or in vain."""

import sys
from contextlib import closing

import cv2
import numpy as np
import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading import ocr
from pagesight.indexer.reading.characters import AllAtOnce, FewFirst, character_network
from pagesight.indexer.reading.detection import MULTIPLE_PX, inked, whole_steps
from pagesight.indexer.reading.network import Network
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.reading.recognition import STEP_PX, TOGETHER_PX, as_input, runs

NONE = np.empty((0, 4))
LINES = ("Harbour office", "Opening hours of the ferry terminal", "17.40", "Gebühr für Überhöhe", "Saturday")


@pytest.fixture(scope="module")
def engine():
    return ocr._rapid()


@pytest.fixture
def counted(engine, monkeypatch):
    """How many lines were recognised, and how often anything was detected."""
    counts = {"lines": 0, "pictures": 0}
    read, find = engine._reader.read, engine._finder.find

    def reading(crops):
        counts["lines"] += len(crops)
        return read(crops)

    def finding(image):
        counts["pictures"] += 1
        return find(image)

    monkeypatch.setattr(engine._reader, "read", reading)
    monkeypatch.setattr(engine._finder, "find", finding)
    return counts


def drawn(draw, width=600, height=400, dpi=150):
    """A page as pixels: (height_px, width_px, 3) RGB."""
    with pymupdf.open() as document:
        page = document.new_page(width=width, height=height)
        draw(page)
        pixels = page.get_pixmap(dpi=dpi)
        return np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.width, 3)


def written(*lines):
    def draw(page):
        for i, line in enumerate(lines):
            page.insert_text((60, 60 + 40 * i), line, fontsize=14)

    return draw


def png(draw, **size):
    return cv2.imencode(".png", drawn(draw, **size)[:, :, ::-1])[1].tobytes()


@given(st.lists(st.integers(1, 3000), max_size=60))
def test_each_line_goes_through_the_network_once_and_as_wide_in_any_company(widths):
    found = list(runs(widths))
    assert sorted(i for chosen, _ in found for i in chosen) == list(range(len(widths)))
    for chosen, wide in found:
        assert all(widths[i] <= wide < widths[i] + STEP_PX for i in chosen)
        assert len(chosen) == 1 or len(chosen) * wide <= TOGETHER_PX


@pytest.mark.thorough
@settings(max_examples=5, deadline=None)
@given(st.permutations(range(len(LINES))))
def test_a_line_says_the_same_whatever_is_read_with_it(engine, order):
    crops = [drawn(written(line), width=300, height=90)[40:160, 100:] for line in LINES]
    crops = [np.ascontiguousarray(crop[:, : 60 + 14 * len(line)]) for crop, line in zip(crops, LINES, strict=True)]
    alone = [engine._reader.read([crop])[0] for crop in crops]
    together = engine._reader.read([crops[i] for i in order])
    assert [together[order.index(i)][0] for i in range(len(crops))] == [text for text, _ in alone]
    np.testing.assert_allclose(
        [together[order.index(i)][1] for i in range(len(crops))], [s for _, s in alone], atol=0.01
    )


@pytest.fixture(scope="module")
def recognisers(engine):
    """The network with its last layer apart, and as it comes."""
    model = engine._model("Rec")
    return character_network(model), AllAtOnce(Network(model))


@pytest.mark.parametrize(
    "line",
    [
        "Harbour Gebühr §12",
        "0,5% µg/l Ωδ é à →",
        "港口の開館時間",
        "カナ",
        "ニロエタ",
        "力口工夕",
        "§12 漢字 Harbour",
        "かな é カナ 0,5%",
    ],
)
def test_asking_few_characters_first_reads_what_asking_all_reads(recognisers, line):
    """Kana and ideographs that look alike, and what is drawn among others, included."""

    def draw(page):
        writer = pymupdf.TextWriter(page.rect)
        writer.append((8, 30), line, font=pymupdf.Font("cjk"), fontsize=18)
        writer.write_text(page)

    picture = as_input(drawn(draw, width=260, height=44)[:, :, ::-1])[None]
    ((few, few_share),), ((all_, all_share),) = (network(picture) for network in recognisers)
    np.testing.assert_array_equal(few, all_)
    np.testing.assert_allclose(few_share[few != 0], all_share[few != 0], atol=0.05)


def test_the_network_that_is_installed_has_its_last_layer_apart(recognisers):
    few, whole = recognisers
    assert isinstance(few, FewFirst)
    assert few.characters == whole.characters


@pytest.mark.thorough
def test_it_is_taken_apart_once_where_that_can_be_kept(engine, tmp_path, monkeypatch):
    model = engine._model("Rec")
    monkeypatch.setenv("PAGESIGHT_CACHE", str(tmp_path / "kept"))
    assert isinstance(character_network(model), FewFirst)
    with monkeypatch.context() as later:
        later.setitem(sys.modules, "onnx", None)  # not asked for again
        assert isinstance(character_network(model), FewFirst)
    (tmp_path / "file").touch()
    monkeypatch.setenv("PAGESIGHT_CACHE", str(tmp_path / "file" / "kept"))
    assert isinstance(character_network(model), FewFirst)


def test_a_network_that_ends_otherwise_is_used_as_it_comes(engine, tmp_path):
    import onnx

    network = onnx.load(engine._model("Rec"))
    (last,) = (node for node in network.graph.node if network.graph.output[0].name in node.output)
    network.graph.node.append(onnx.helper.make_node("Sqrt", [last.output[0]], ["root"]))
    network.graph.output[0].name = "root"
    onnx.save(network, tmp_path / "other.onnx")
    assert isinstance(character_network(tmp_path / "other.onnx"), AllAtOnce)


def test_no_line_no_reading(engine):
    assert engine._reader.read([]) == []


@given(st.data())
def test_what_is_detected_on_has_room_for_whole_steps(data):
    length = data.draw(st.integers(1, 4000))
    start = data.draw(st.integers(0, length - 1))
    stop = data.draw(st.integers(start + 1, length))
    step = MULTIPLE_PX * data.draw(st.floats(1, 4))
    first, last = whole_steps(start, stop, step, length)
    assert 0 <= first <= start < stop <= last <= length
    assert (first, last) == (0, length) or abs((last - first) / step - round((last - first) / step)) < 2 / step


def test_a_picture_without_text_costs_nothing(engine, counted):
    assert engine.read(np.full((900, 700, 3), 250, np.uint8), NONE) == []
    assert inked(np.full((900, 700, 3), 250, np.uint8)) is None
    assert counted["lines"] == 0


@pytest.mark.parametrize("place", [(0, 0), (560, 300)])
def test_a_word_in_a_corner_is_found_where_it_is(engine, place):
    image = np.full((400, 900, 3), 255, np.uint8)
    cv2.putText(image, "Mooring 17", (place[0] + 8, place[1] + 60), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3)
    (line,) = engine.read(image, NONE)
    assert line.text.replace(" ", "") == "Mooring17"
    x0, y0, x1, y1 = line.box
    rows, columns = np.nonzero(image.min(axis=2) < 128)
    np.testing.assert_allclose([x0, y0, x1, y1], [columns.min(), rows.min(), columns.max(), rows.max()], atol=16)


def test_of_what_cannot_be_read_only_some_is_tried(engine, counted):
    generator = np.random.default_rng(5)
    grains = [generator.integers(0, 255, (20, 40, 3), np.uint8) for _ in range(200)]
    assert set(engine._read_some_first(grains)) < set(range(200))
    assert counted["lines"] < 50


@pytest.mark.thorough
def test_many_lines_that_can_be_read_are_all_read(engine):
    words = [f"berth {number}" for number in range(100)]
    crops = []
    for word in words:
        crops.append(np.full((40, 200, 3), 255, np.uint8))
        cv2.putText(crops[-1], word, (6, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    crops[10] = np.random.default_rng(1).integers(0, 255, (40, 200, 3), np.uint8)
    found = engine._read_some_first(crops)
    assert list(found) == list(range(100))
    same = [found[i][0].replace(" ", "") == words[i].replace(" ", "") for i in range(100)]
    assert sum(same) >= 97


@pytest.fixture
def slides(tmp_path):
    """Four slides with one picture behind their text; on the third something else is drawn on it, on the fourth is another."""
    template = png(written("Harbour conference"), width=600, height=400)
    other = png(written("Lighthouse keepers"), width=600, height=400)
    with pymupdf.open() as document:
        for number in range(4):
            page = document.new_page(width=600, height=400)
            page.insert_image(page.rect, stream=other if number == 3 else template)
            page.insert_text((60, 250), f"slide {number} has words of its own", fontsize=14)
            if number == 2:
                page.draw_rect((300, 300, 500, 350), fill=(0, 0, 0.5))
        document.save(tmp_path / "slides.pdf")
    return tmp_path / "slides.pdf"


@pytest.mark.thorough
def test_the_same_picture_is_read_once_in_a_document(slides, counted):
    with closing(open_document(slides, ReadOptions())) as document:
        pages = [read_page(document, number, ReadOptions()) for number in (1, 2, 3, 4)]
        detected = counted["pictures"]
    texts = [" ".join(page.words.texts) for page in pages]
    for number, text in enumerate(texts):
        assert f"slide {number} has words of its own" in text
        assert ("Lighthouse keepers" if number == 3 else "Harbour conference") in text
    assert [page.text_source for page in pages] == ["text+ocr"] * 4
    np.testing.assert_array_equal(pages[0].words.boxes[-2:], pages[1].words.boxes[-2:])
    assert detected == 3, "the first, what is drawn on the third, and the other picture"


def test_a_picture_that_was_read_before_is_found_where_it_is_now(tmp_path, counted):
    chart = png(written("Boats in the harbour", "1950"), width=300, height=150)
    with pymupdf.open() as document:
        for place in ((50, 60), (250, 200)):
            page = document.new_page(width=600, height=400)
            page.insert_image((*place, place[0] + 300, place[1] + 150), stream=chart)
            page.insert_text((60, 30), "a page with words of its own", fontsize=12)
        document.save(tmp_path / "moved.pdf")
    with closing(open_document(tmp_path / "moved.pdf", ReadOptions())) as document:
        first, second = (read_page(document, number, ReadOptions()).words for number in (1, 2))
    assert counted["pictures"] == 1
    assert first.texts == second.texts
    assert {"Boats", "harbour"} <= set(first.texts)
    shift = np.tile([200 / 600, 140 / 400], 2)
    np.testing.assert_allclose(second.boxes[-4:], first.boxes[-4:] + shift, atol=2e-3)
