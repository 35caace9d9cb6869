"""The pocket model: its one file is the checkpoint it was made of, and it really reads."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import load_file

from pagesight.engine import IndexConfig, JinaEmbeddingsV4, ModelConfig, SearchEngine
from pagesight.engine.models import load_model
from pagesight.engine.models.pocket.packed import PACKED, pack, unpack, unpacked
from pagesight.storage.errors import ConfigError
from pagesight.storage.made_once import sha256_of

TEXTS = {
    "kitchen": "clean the kitchen and put the coffee machine back",
    "garden": "water the garden plants every other morning",
    "airport": "the airport train leaves from the second platform",
    "library": "return your books to the library before sunday",
    "hospital": "visitors of the hospital wait near the entrance",
    "computer": "install the program and restart your computer",
    "mountain": "the mountain path is closed during the winter",
    "music": "the music school has lessons for children",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A text each, as pictures only."""
    folder = tmp_path_factory.mktemp("pages")
    font = ImageFont.load_default(22)
    for name, text in TEXTS.items():
        page = Image.new("RGB", (448, 336), "white")
        words = text.split()
        lines = [" ".join(words[at : at + 3]) for at in range(0, len(words), 3)]
        for row, line in enumerate(lines):
            ImageDraw.Draw(page).text((24, 28 + 56 * row), line, font=font, fill="black")
        page.save(folder / f"{name}.png")
    return folder


@pytest.mark.thorough
def test_it_finds_pages_by_their_pixels(pages, tmp_path):
    with SearchEngine.open(tmp_path / "index", model="pocket") as engine:
        list(engine.index([pages], IndexConfig(n_processes=1)))
        assert engine.totals().n_pages_by_ocr == 0
        ranks = []
        for name in TEXTS:
            found = [hit.document for hit in engine.search(name, k=len(TEXTS))]
            ranks.append(found.index(f"{name}.png"))
    assert np.mean([rank == 0 for rank in ranks]) >= 0.5  # by chance: an eighth


def test_the_file_is_small_and_the_one_that_is_named():
    assert PACKED.locate().stat().st_size < 15_000_000
    assert sha256_of(PACKED.locate()) == PACKED.sha256


@pytest.mark.thorough
def test_packing_again_changes_nothing(tmp_path):
    pack(unpacked(), tmp_path / "again.safetensors")
    first, again = load_file(PACKED.locate()), load_file(tmp_path / "again.safetensors")
    assert set(first) == set(again)
    for name, values in first.items():
        if values.dtype == np.int8:
            assert np.abs(values.astype(int) - again[name]).max() <= 1, name
        else:
            np.testing.assert_allclose(
                values.astype(np.float32), again[name].astype(np.float32), rtol=2e-3, err_msg=name
            )


def test_unpacking_again_gives_the_same(tmp_path):
    unpack(PACKED.locate(), tmp_path)
    for path in ("model.safetensors", "adapters/adapter_model.safetensors"):
        first, second = load_file(unpacked() / path), load_file(tmp_path / path)
        assert {name: values.shape for name, values in first.items()} == {n: v.shape for n, v in second.items()}
        assert all(np.array_equal(first[name], second[name]) for name in first)
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "qwen2_5_vl"


@pytest.mark.parametrize("task", ["retrieval", "text-matching", "code"])
def test_it_has_three_adapters(task):
    model = JinaEmbeddingsV4.from_pretrained("pocket")
    one = model.encode_text(["a small house"], task=task)[0]
    others = {
        other: model.encode_text(["a small house"], task=other)[0] for other in ("retrieval", "text-matching", "code")
    }
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-3)
    assert [name for name, other in others.items() if np.allclose(one, other, atol=1e-4)] == [task]


def test_settings_it_does_not_have_are_refused():
    with pytest.raises(ConfigError, match="300"):
        load_model("pocket", ModelConfig(single_dim=300))
