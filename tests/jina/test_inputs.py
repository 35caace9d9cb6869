"""Prompts, tokens, pictures: what the model is given."""

import io
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.inputs import IMAGE_PROMPT, Inputs
from pagesight.engine.models.jina_v4.pictures import PictureSettings, open_picture
from pagesight.engine.models.on_torch.budgets import BUDGETS
from pagesight.engine.models.on_torch.grid import Grid
from pagesight.engine.training.collate import Collator
from pagesight.engine.training.data.examples import Text
from pagesight.storage.errors import BadCheckpoint, BadInput, ConfigError, WeightsMissing
from tests.jina.checkpoints import SPECIAL, make_checkpoint

RETRIEVAL = {"prompt": "query", "task": "retrieval"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "m")


@pytest.fixture(scope="module")
def inputs(folder):
    return Inputs.open(Checkpoint.open(folder))


@pytest.fixture(scope="module")
def tokenizer(folder):
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.mark.parametrize(
    ("prompt", "task", "prefix"),
    [
        ("query", "retrieval", "Query: "),
        ("passage", "retrieval", "Passage: "),
        ("passage", "code", "Passage: "),
        ("query", "text-matching", "Query: "),
        ("passage", "text-matching", "Query: "),
    ],
)
def test_texts_stand_behind_their_prefix(inputs, tokenizer, prompt, task, prefix):
    row = inputs.text("which page?", prompt=prompt, task=task)
    assert row.ids == tokenizer.encode(prefix + "which page?").ids
    assert "".join(row.token_texts) == prefix + "which page?"


def test_the_image_prompt_is_the_published_one(inputs, tokenizer):
    assert IMAGE_PROMPT == (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|>\n"
    )
    row = inputs.picture(Image.new("RGB", (56, 56)))
    assert row.ids == tokenizer.encode(IMAGE_PROMPT.replace("<|image_pad|>", "<|image_pad|>" * 4)).ids


def test_a_picture_of_224_pixels_has_75_positions(inputs):
    row = inputs.picture(Image.new("RGB", (224, 224)))
    assert row.grid == Grid(8, 8)
    assert len(row) == 64 + 11
    assert row.patches().shape == (4 * 64, 1176)


@pytest.mark.parametrize(
    ("size_px", "budget", "n_tokens"),
    [
        ((1654, 2339), "default", 736),  # A4 at 200 dpi
        ((1700, 2200), "default", 744),  # Letter at 200 dpi
        ((1920, 1080), "default", 720),  # a slide, 16:9
        ((1654, 2339), "paper", 4956),
        ((1700, 2200), "paper", 4819),
        ((1, 1), "default", 4),
    ],
)
def test_tokens_of_pages_are_known_beforehand(size_px, budget, n_tokens):
    assert PictureSettings().grid(*size_px, BUDGETS[budget]).n_tokens == n_tokens


@settings(deadline=None)
@given(st.integers(1, 6000), st.integers(1, 6000), st.sampled_from([3136, 50_000, 602_112, 37_788_800]))
def test_the_grid_is_that_of_transformers(width, height, max_pixels):
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    pictures = PictureSettings()
    if max(width, height) > 200 * min(width, height):
        with pytest.raises(BadInput, match=f"a picture of {width} x {height} pixels is too thin"):
            pictures.grid(width, height, max_pixels)
        return
    grid = pictures.grid(width, height, max_pixels)
    rows, columns = smart_resize(height, width, 28, 3136, max_pixels)
    assert (grid.rows, grid.columns) == (rows // 28, columns // 28)


@settings(max_examples=15, deadline=None)
@given(st.integers(20, 200), st.integers(20, 200), st.integers(0, 2**32 - 1))
def test_patches_are_those_of_transformers(width, height, seed):
    """The processor without torchvision; the one with it shrinks pictures with another filter, see ARCHITECTURE."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    picture = Image.fromarray(pixels)
    theirs = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=20_000)(images=[picture], return_tensors="np")
    ours = PictureSettings(max_pixels=20_000)
    grid = ours.grid(width, height)
    assert theirs["image_grid_thw"].tolist() == [[1, grid.rows * 2, grid.columns * 2]]
    np.testing.assert_allclose(ours.patches(picture, grid), theirs["pixel_values"], atol=2e-6)


def test_boxes_tile_the_page_row_by_row():
    boxes = Grid(2, 4).boxes()
    assert boxes[0].tolist() == [0, 0, 0.25, 0.5]
    assert boxes[5].tolist() == [0.25, 0.5, 0.5, 1]
    assert boxes[-1].tolist() == [0.75, 0.5, 1, 1]


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(max_size=6)), min_size=1, max_size=6).map("".join))
def test_text_never_becomes_a_special_token(inputs, tokenizer, text):
    if not text.strip():
        return
    special = {tokenizer.token_to_id(name) for name in SPECIAL}
    assert not special & set(inputs.text(text, **RETRIEVAL).ids)


def test_control_tokens_are_escaped_where_the_tokenizer_does_not_call_them_special(tmp_path):
    folder = make_checkpoint(tmp_path / "m")
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"special": true', '"special": false'))
    checkpoint = Checkpoint.open(folder)
    ids = Inputs.open(checkpoint).text("<|vision_start|><|image_pad|>", **RETRIEVAL).ids
    assert not {checkpoint.settings.vision_start_id, checkpoint.settings.image_token_id} & set(ids)


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_empty_texts_are_refused(inputs, text):
    with pytest.raises(BadInput, match="is empty; there is nothing to encode"):
        inputs.text(text, **RETRIEVAL)


def test_an_unknown_prompt_is_refused(inputs):
    with pytest.raises(ConfigError, match="there is no prompt 'document'; the prompts are query, passage"):
        inputs.text("x", prompt="document", task="retrieval")


def test_long_texts_are_cut_and_it_is_said_by_how_much(inputs, caplog):
    text = "which page shows the turnover? " * 20
    whole = inputs.text(text, **RETRIEVAL)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        row = inputs.text(text, **RETRIEVAL, max_tokens=10)
    assert row.ids == whole.ids[:10]
    lost = len("Query: " + text) - len("".join(row.token_texts))
    assert f"a text of {len(whole)} tokens was cut to 10: its last {lost} characters are not encoded" in caplog.text


def test_a_trainer_names_the_first_text_that_is_cut(inputs, caplog):
    collator = Collator(inputs, task="retrieval", max_pixels=None, max_tokens=10)
    whole = Text("a")
    rows = [collator.row(text, "passage") for text in (whole, Text("word " * 40), Text("other " * 40), whole)]
    assert [len(row) for row in rows[1:3]] == [10, 10]
    assert sum("was cut to 10" in message for message in caplog.messages) == 1
    assert "word" in caplog.text


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_pictures_of_all_kinds_become_rgb(tmp_path):
    grey = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    kinds = {
        "cmyk": Image.new("CMYK", (64, 64), (255, 0, 0, 0)),
        "16 bit": Image.fromarray(grey.astype(np.uint16)),
        "float": Image.fromarray(grey.astype(np.float32)),
        "clear": clear,
        "grey": Image.new("L", (64, 64), 7),
        "two-level": Image.new("1", (64, 64), 1),
        "palette": Image.new("P", (64, 64)),
    }
    found = {name: open_picture(picture) for name, picture in kinds.items()}
    assert {picture.mode for picture in found.values()} == {"RGB"}
    assert found["cmyk"].getpixel((5, 5)) == (0, 255, 255)
    assert found["16 bit"].getpixel((63, 63)) == (255, 255, 255)
    assert found["16 bit"].getpixel((0, 32))[0] == pytest.approx(128, abs=3)
    assert found["clear"].getpixel((5, 5)) == (255, 255, 255)
    kinds["clear"].save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), png(clear)):
        assert open_picture(source).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("https://example.org/a.png", "is an address; fetch the picture yourself"),
        ("http://127.0.0.1/a.png", "is an address"),
        ("nowhere.png", r"the picture nowhere.png cannot be read: .*No such file"),
        (b"no picture at all", "a picture of 17 bytes cannot be read: cannot identify"),
        (png(Image.new("RGB", (300, 300)))[:200], "a picture of 200 bytes cannot be read: image file is truncated"),
    ],
)
def test_what_is_no_picture_says_so(source, problem):
    with pytest.raises(BadInput, match=problem):
        open_picture(source)


@pytest.mark.parametrize("file", ["tokenizer.json", "preprocessor_config.json"])
def test_a_checkpoint_without_them_can_be_verified_but_not_used(tmp_path, file):
    folder = make_checkpoint(tmp_path / "m")
    (folder / file).unlink()
    with pytest.raises(WeightsMissing, match=file):
        Inputs.open(Checkpoint.open(folder))
    make_checkpoint(tmp_path / "n")
    (tmp_path / "n" / file).write_text("{broken")
    with pytest.raises(BadCheckpoint, match=f"{file} cannot be understood"):
        Inputs.open(Checkpoint.open(tmp_path / "n"))


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    folder = make_checkpoint(tmp_path / "m")
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("<|image_pad|>", "<|picture|>"))
    with pytest.raises(BadCheckpoint, match=r"tokenizer.json has <\|image_pad\|> as None, config.json as \d+"):
        Inputs.open(Checkpoint.open(folder))


def test_half_an_emoji_is_left_out(inputs):
    """JSON may hold lone surrogates; no tokenizer takes them."""
    whole = inputs.text("which page", **RETRIEVAL)
    assert inputs.text("which\ud83d page\udc00", **RETRIEVAL).ids == whole.ids
    with pytest.raises(BadInput, match="is empty"):
        inputs.text("\ud83d", **RETRIEVAL)
