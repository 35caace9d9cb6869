"""encode_text and encode_image: arguments, defaults, shapes and errors."""

import logging

import numpy as np
import pytest
import torch
from PIL import Image

from pagesight.engine import JinaEmbeddingsV4, ModelConfig
from pagesight.engine.models import load_model
from pagesight.engine.models.on_torch.runtime import require_memory
from pagesight.storage.errors import BadInput, ConfigError, DeviceMemory, SearchEngineError
from tests.jina.checkpoints import make_checkpoint

TEXTS = ["which page", "the turnover of the year?", "x", "Passage: which page shows the image of the year? " * 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "m", shards=2)


@pytest.fixture(scope="module")
def model(folder):
    return JinaEmbeddingsV4.from_pretrained(folder)


def picture(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def close(left, right):
    return all(a.shape == b.shape and float((a - b).abs().max()) < 1e-5 for a, b in zip(left, right, strict=True))


def test_one_input_gives_one_tensor_and_a_list_gives_a_list(model):
    assert model.encode_text("which page", task="retrieval").shape == (48,)
    assert [tensor.shape for tensor in model.encode_text(["a", "b"], task="code")] == [(48,), (48,)]
    assert model.encode_image(picture(90, 60), task="retrieval").shape == (48,)
    assert model.encode_image([picture(90, 60)], task="retrieval")[0].shape == (48,)
    assert model.encode_text([], task="code") == []


def test_arrays_where_they_are_asked_for(model):
    found = model.encode_text(TEXTS, task="retrieval", return_numpy=True)
    assert found.shape == (4, 48)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    multi = model.encode_text(TEXTS, task="retrieval", return_multivector=True, return_numpy=True)
    assert [array.shape for array in multi][2] == (4, 24)  # Query : blank x


def test_multivectors_have_a_row_for_every_token_prompt_included(model):
    (row,) = model.encode_image([picture(224, 224)], task="retrieval", return_multivector=True)
    assert row.shape == (75, 24)
    assert float((row.norm(dim=-1) - 1).abs().max()) < 1e-5


def test_a_batch_of_one_equals_a_batch_of_many(model):
    pictures = [picture(200, 90, 1), picture(60, 60, 2), picture(90, 300, 3)]
    for multi in (False, True):
        together = model.encode_text(TEXTS, task="retrieval", return_multivector=multi)
        alone = [model.encode_text(text, task="retrieval", return_multivector=multi) for text in TEXTS]
        assert close(together, alone)
        together = model.encode_image(pictures, task="code", return_multivector=multi, batch_size=2)
        assert close(together, [model.encode_image(one, task="code", return_multivector=multi) for one in pictures])


def test_tasks_by_call_and_by_row(model):
    by_row = model.encode_text(TEXTS[:3], task=["code", "retrieval", "text-matching"])
    by_call = [
        model.encode_text(t, task=k) for t, k in zip(TEXTS, ["code", "retrieval", "text-matching"], strict=False)
    ]
    assert close(by_row, by_call)
    assert not close(by_row[:1], [model.encode_text(TEXTS[0], task="retrieval")])
    model.task = "code"
    try:
        assert close([model.encode_text(TEXTS[0])], by_row[:1])
    finally:
        model.task = None


def test_prompts(model):
    query = model.encode_text("a page", task="retrieval")
    assert close([query], [model.encode_text("a page", task="retrieval", prompt_name="query")])
    assert not close([query], [model.encode_text("a page", task="retrieval", prompt_name="passage")])
    matching = [model.encode_text("a page", task="text-matching", prompt_name=name) for name in ("query", "passage")]
    assert close(matching[:1], matching[1:])


def test_matryoshka_dimensions_are_cut_and_scaled(model):
    full = model.encode_text(TEXTS[0], task="retrieval")
    for dim in (12, 24, 48):
        cut = model.encode_text(TEXTS[0], task="retrieval", truncate_dim=dim)
        assert close([cut], [full[:dim] / full[:dim].norm()])
    multi = model.encode_text(TEXTS[0], task="retrieval", truncate_dim=12, return_multivector=True)
    assert multi.shape[1] == 24  # only single vectors are cut


def test_both_kinds_come_from_one_forward_pass(model):
    passes = []
    hook = model.model._network.get_base_model().register_forward_hook(lambda *_: passes.append(1))
    try:
        row = model.inputs.text("which page", prompt="query", task="retrieval")
        (found,) = model.encode([row], ["retrieval"])
    finally:
        hook.remove()
    assert len(passes) == 1
    assert close([found.single], [model.encode_text("which page", task="retrieval")])
    assert close([found.multi], [model.encode_text("which page", task="retrieval", return_multivector=True)])


def test_texts_and_pictures_share_batches(model):
    text = model.inputs.text("which page", prompt="query", task="retrieval")
    image = model.inputs.picture(picture(90, 90))
    found = model.encode([text, image, text], ["retrieval", "code", "retrieval"])
    assert close([found[1].single], [model.encode_image(picture(90, 90), task="code")])
    assert close([found[2].multi], [found[0].multi])


def test_a_pixel_budget_for_one_call(model):
    large = picture(600, 600)
    assert len(model.encode_image(large, task="code", return_multivector=True, max_pixels=50_000)) == 49 + 11
    assert len(model.encode_image(large, task="code", return_multivector=True)) == 441 + 11


def test_pictures_from_files_and_bytes(model, tmp_path):
    path = tmp_path / "a.png"
    picture(80, 50).save(path)
    expected = model.encode_image(picture(80, 50), task="code")
    for source in (path, str(path), path.read_bytes()):
        assert close([model.encode_image(source, task="code")], [expected])
    assert close(model.encode_image([str(path), path], task="code"), [expected, expected])


def test_texts_are_never_opened(model, tmp_path):
    """Whether a file of that name is there makes no difference, nor does an address."""
    path = tmp_path / "a.png"
    before = model.encode_text(str(path), task="code")
    picture(80, 50).save(path)
    assert close([model.encode_text(str(path), task="code")], [before])
    assert model.encode_text("http://127.0.0.1:9/a.png", task="code").shape == (48,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.encode_text("x"), ConfigError, "name a task: retrieval, text-matching, code; or set one"),
        (lambda m: m.encode_text("x", task="search"), ConfigError, "no task 'search'; the tasks are retrieval"),
        (lambda m: m.encode_text(["x"], task=["code", "code"]), ConfigError, "2 tasks were given for 1 inputs"),
        (lambda m: m.encode_text("x", task="code", truncate_dim=13), ConfigError, "cannot be cut to 13 dimensions; the model was trained for 12, 24, 48"),
        (lambda m: m.encode_text("x", task="code", prompt_name="doc"), ConfigError, "no prompt 'doc'; the prompts are"),
        (lambda m: m.encode_text("x", task="code", batch_size=0), ConfigError, "batch_size must be positive, not 0"),
        (lambda m: m.encode_text("x", task="code", max_length=40_000), ConfigError, "max_length must be from 1 to 32,768, not 40,000"),
        (lambda m: m.encode_text(["x", "", "y"], task="code"), BadInput, "input 1: the text '' is empty"),
        (lambda m: m.encode_image("https://x.org/a.png", task="code"), BadInput, "input 0: 'https://x.org/a.png' is an address"),
        (lambda m: m.encode_image([picture(50, 50), b"?"], task="code"), BadInput, "input 1: a picture of 1 bytes cannot be read"),
        (lambda m: m.encode_image(picture(1, 300), task="code"), BadInput, "a picture of 1 x 300 pixels is too thin: at most 200 to 1"),
        (lambda m: m.encode_image(picture(9, 9), task="code", max_pixels=100), ConfigError, "max_pixels must be at least 3,136"),
    ],
)  # fmt: skip
def test_wrong_inputs_answer_clearly(model, call, error, message):
    with pytest.raises(error, match=message) as caught:
        call(model)
    assert isinstance(caught.value, ValueError)  # as the reference's are
    assert isinstance(caught.value, SearchEngineError)


def test_odd_pictures_are_encoded(model):
    for odd in (picture(1, 1), Image.new("CMYK", (60, 60)), Image.new("RGBA", (60, 60)), Image.new("I;16", (60, 60))):
        assert torch.isfinite(model.encode_image(odd, task="retrieval")).all()


def test_long_texts_are_cut_with_a_warning(model, caplog):
    with caplog.at_level(logging.WARNING):
        found = model.encode_text(TEXTS[3], task="code", max_length=8, return_multivector=True)
    assert len(found) == 8
    assert "was cut to 8" in caplog.text


def test_a_folder_that_is_none_and_an_unknown_name(tmp_path):
    with pytest.raises(LookupError, match="there is no model 'nowhere'"):
        JinaEmbeddingsV4.from_pretrained("nowhere")


def test_devices_and_dtypes(folder):
    with pytest.raises(ConfigError, match="the devices 'cpu,' cannot be told apart"):
        load_model(str(folder), ModelConfig(device="cpu,"))
    with pytest.raises(ConfigError, match="the device 'cuda:77' cannot be used here; there are cpu"):
        JinaEmbeddingsV4.from_pretrained(folder, device="cuda:77")
    with pytest.raises(ConfigError, match="there is no dtype 'int8'; there are auto, float32"):
        JinaEmbeddingsV4.from_pretrained(folder, dtype="int8")
    half = JinaEmbeddingsV4.from_pretrained(folder, dtype="bfloat16")
    found = half.encode_image(picture(90, 60), task="code", return_multivector=True)
    assert found.dtype == torch.float32


def test_weights_that_do_not_fit_are_not_begun_with():
    with pytest.raises(
        DeviceMemory, match=r"take 15.0 GB in float32, and cpu has 8.0 GB free; half as much with dtype='bfloat16'"
    ):
        require_memory(3_754_885_248, "float32", "cpu", free_bytes=8_000_000_000)
    with pytest.raises(DeviceMemory, match=r"take 7.5 GB in bfloat16, and cuda has 6.0 GB free$"):
        require_memory(3_754_885_248, "bfloat16", "cuda", free_bytes=6_000_000_000)
    require_memory(3_754_885_248, "bfloat16", "cpu", free_bytes=8_000_000_000)
    require_memory(1_000, "float32", "cpu")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler imports what torch has deprecated
def test_compiled_vectors_are_the_same(folder):
    pictures = [picture(200, 90, 1), picture(60, 60, 2)]
    plain = JinaEmbeddingsV4.from_pretrained(folder)
    compiled = JinaEmbeddingsV4.from_pretrained(folder)
    compiled.model.merge("code")
    compiled.model.compile()
    assert close(compiled.encode_image(pictures, task="code"), plain.encode_image(pictures, task="code"))
    assert close(compiled.encode_text(TEXTS, task="code"), plain.encode_text(TEXTS, task="code"))
