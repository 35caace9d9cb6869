"""The network against the reference's outputs, and each mistake that is easily made with this checkpoint."""

import pytest
import torch
from safetensors.torch import load_file

from pagesight.engine.models.jina_v4.checkpoint import Checkpoint, today_name
from pagesight.engine.models.jina_v4.model import Batch, JinaV4Model, pooling_mask
from pagesight.engine.models.jina_v4.verify import left_padded, split_rows, verify
from pagesight.storage.errors import ConfigError
from tests.jina.checkpoints import ADAPTERS, FIXTURE, changed

TASKS = ("retrieval", "text-matching", "code")


def load(folder=FIXTURE, **options):
    return JinaV4Model.load(Checkpoint.open(folder), **options)


@pytest.fixture(scope="module")
def model():
    return load()


@pytest.fixture(scope="module")
def expected():
    return load_file(FIXTURE / "expected.safetensors")


@pytest.fixture(scope="module")
def texts(expected):
    return Batch(expected["in.ids"], expected["in.am"])


@pytest.fixture(scope="module")
def pictures(expected):
    return Batch(expected["in.iids"], expected["in.iam"], expected["in.pv"], expected["in.grid"])


def test_the_reference_is_reproduced_in_every_way():
    """3 tasks x text, image x single, multi, and one task a row; padded left, row by row, merged."""
    found = verify(FIXTURE).differences
    assert {difference.output for difference in found} == {
        *(f"{task}.{kind}.{what}" for task in TASKS for kind in ("text", "image") for what in ("single", "multi")),
        "mixed.text.single",
    }
    assert max(difference.largest for difference in found) < 1e-5
    ways = {difference.output: set(difference.by_way) for difference in found}
    assert ways.pop("mixed.text.single") == {"as given", "left padding", "row by row"}
    assert all(way == {"as given", "left padding", "row by row", "merged"} for way in ways.values())


def test_single_vectors_have_unit_length_and_token_vectors_too(model, pictures):
    vectors = model(pictures, "code")
    real = pictures.attention_mask.bool()
    assert (vectors.single.norm(dim=-1) - 1).abs().max() < 1e-6
    assert (vectors.multi[real].norm(dim=-1) - 1).abs().max() < 1e-6
    assert not vectors.multi[~real].any()


def test_every_weight_comes_from_the_files(model):
    """A class of one's own gets no renaming of tensors, and whatever is not found would be drawn at random."""
    stored = {today_name(name): tensor for name, tensor in load_file(FIXTURE / "model.safetensors").items()}
    adapters = load_file(FIXTURE / ADAPTERS)
    loaded = model._network.state_dict()
    names = {
        name.replace(".base_layer.", ".").removeprefix("base_model.model."): name
        for name in loaded
        if ".lora_" not in name
    }
    assert names.keys() == stored.keys()
    for name, tensor in stored.items():
        assert torch.equal(loaded[names[name]], tensor), name
    lora = {name for name in loaded if ".lora_" in name}
    assert lora == adapters.keys()
    for name in lora:
        assert torch.equal(loaded[name], adapters[name]), name


def test_pictures_have_positions_in_three_dimensions(model, pictures):
    """Without mm_token_type_ids transformers falls back, silently, to one."""
    seen = []
    layers = model._network.get_base_model().model.language_model
    hook = layers.register_forward_pre_hook(lambda _, __, given: seen.append(given["position_ids"]), with_kwargs=True)
    try:
        model(pictures, "retrieval")
    finally:
        hook.remove()
    (positions,) = seen
    assert positions is not None
    time, height, width = positions[:, 0]
    at = (pictures.input_ids[0] == model.settings.image_token_id).nonzero().flatten()
    assert time[at].tolist() == [3] * 6  # all of a still picture at one time, after three tokens
    assert height[at].tolist() == [3, 3, 3, 4, 4, 4]  # a grid of 4 x 6 patches, merged by 2 x 2
    assert width[at].tolist() == [3, 4, 5, 3, 4, 5]


def test_the_projector_has_an_adapter_of_its_own(tmp_path, texts):
    """With the adapters of all other layers at zero, token vectors still differ by task; single vectors do not."""

    def only_the_projector(tensors):
        for name, tensor in tensors.items():
            if "lora_B" in name and "multi_vector_projector" not in name:
                tensor.zero_()

    folder = changed(tmp_path / "m", ADAPTERS, only_the_projector)
    model = load(folder)
    found = {task: model(texts, task) for task in TASKS}
    assert torch.equal(found["retrieval"].single, found["code"].single)
    assert (found["retrieval"].multi - found["code"].multi).abs().max() > 0.01
    weights, adapters = load_file(folder / "model.safetensors"), load_file(folder / ADAPTERS)
    hidden = model._network.get_base_model().model(input_ids=texts.input_ids, attention_mask=texts.attention_mask)
    for task in TASKS:
        up, down = (adapters[f"base_model.model.multi_vector_projector.lora_{side}.{task}.weight"] for side in "BA")
        weight = weights["multi_vector_projector.weight"] + up @ down  # alpha / r is 1
        by_hand = hidden.last_hidden_state @ weight.T + weights["multi_vector_projector.bias"]
        real = texts.attention_mask.bool()
        by_hand = torch.nn.functional.normalize(by_hand[real], dim=-1)
        assert (found[task].multi[real] - by_hand).abs().max() < 1e-5


@pytest.mark.parametrize("task", [TASKS[0], *(pytest.param(task, marks=pytest.mark.thorough) for task in TASKS[1:])])
def test_a_task_uses_its_own_adapter_in_every_layer(tmp_path, texts, task):
    """Change the other tasks' adapters: nothing changes. Change its own in the first layer or the last: all does."""

    def disturb(tensors, meant):
        for name, tensor in tensors.items():
            if "lora_B" in name and meant(name):
                tensor.neg_()

    before = load()(texts, task)
    others = load(changed(tmp_path / "others", ADAPTERS, lambda t: disturb(t, lambda n: f".{task}." not in n)))
    assert torch.equal(others(texts, task).multi, before.multi)
    own = load(
        changed(
            tmp_path / "own", ADAPTERS, lambda t: disturb(t, lambda n: f"layers.2.mlp.down_proj.lora_B.{task}." in n)
        )
    )
    assert (own(texts, task).single - before.single).abs().max() > 1e-4


def test_one_task_a_row(model, texts, pictures):
    mixed = model(texts, ["code", "retrieval", "code"])
    for row, task in enumerate(["code", "retrieval", "code"]):
        alone = model(texts, task)
        assert (mixed.single[row] - alone.single[row]).abs().max() < 1e-5
        assert (mixed.multi[row] - alone.multi[row]).abs().max() < 1e-5
    assert (
        model(pictures, ["code", "text-matching"]).multi[1] - model(pictures, "text-matching").multi[1]
    ).abs().max() < 1e-5


def test_texts_and_pictures_share_a_batch(model, texts, pictures):
    """The reference decides by the first row whether all are pictures."""
    rows = [split_rows(texts)[1], split_rows(pictures)[0], split_rows(texts)[0], split_rows(pictures)[1]]
    length = max(row.input_ids.shape[1] for row in rows)
    batch = Batch(
        torch.cat([torch.nn.functional.pad(row.input_ids, (0, length - row.input_ids.shape[1])) for row in rows]),
        torch.cat([torch.nn.functional.pad(row.attention_mask, (0, length - row.input_ids.shape[1])) for row in rows]),
        pictures.pixel_values,
        pictures.image_grid_thw,
    )
    together = model(batch, "retrieval")
    for i, row in enumerate(rows):
        alone = model(row, "retrieval")
        assert (together.single[i] - alone.single[0]).abs().max() < 1e-5
        assert (together.multi[i][batch.attention_mask[i].bool()] - alone.multi[0]).abs().max() < 1e-5


def test_pictures_are_pooled_from_start_to_end_token_inclusive():
    """Over the picture tokens alone the mean would be another vector."""
    ids = torch.tensor([[7, 1, 5, 5, 2, 8, 0], [7, 7, 7, 7, 0, 0, 0], [0, 0, 1, 5, 2, 8, 8]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1, 1]])
    found = pooling_mask(Batch(ids, mask), start_id=1, end_id=2).int().tolist()
    assert found == [[0, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0]]


def test_padding_that_looks_like_a_picture_is_no_picture():
    ids = torch.tensor([[7, 8, 1, 1]])
    assert pooling_mask(Batch(ids, torch.tensor([[1, 1, 0, 0]])), 1, 2).int().tolist() == [[1, 1, 0, 0]]


def test_left_padding_keeps_the_order_of_tokens(texts):
    moved = left_padded(texts)
    for before, after in zip(split_rows(texts), split_rows(moved), strict=True):
        assert before.input_ids.tolist() == after.input_ids.tolist()
    assert moved.attention_mask[2].tolist() == [0] * 5 + [1] * 4


def test_a_merged_model_serves_its_task_only(texts, expected):
    model = load()
    model.merge("code")
    assert (model(texts, "code").single - expected["code.text.single"]).abs().max() < 1e-5
    with pytest.raises(ConfigError, match="the adapter of code is merged into the weights"):
        model(texts, "retrieval")
    with pytest.raises(ConfigError, match="the adapter of code is merged"):
        model(texts, ["code", "retrieval", "code"])


def test_a_task_without_adapter_is_named_with_those_there_are(model, texts):
    with pytest.raises(ConfigError, match="no task 'separation'; the tasks are retrieval, text-matching, code"):
        model(texts, "separation")


def test_bfloat16_stays_close(texts, pictures, expected):
    model = load(dtype="bfloat16")
    for name, batch in (("text", texts), ("image", pictures)):
        vectors = model(batch, "retrieval")
        assert vectors.single.dtype == vectors.multi.dtype == torch.float32
        cosine = (vectors.single * expected[f"retrieval.{name}.single"]).sum(-1)
        assert cosine.min() > 0.99
