"""What is wrong with a folder is said before anything is loaded."""

import json
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from pagesight.engine.models.files.safetensor_files import read_headers, weight_files
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint, today_name
from pagesight.engine.models.jina_v4.model import JinaV4Model, expected_shapes, network_config
from pagesight.storage.errors import BadCheckpoint, WeightsMissing
from tests.jina.checkpoints import ADAPTERS, FIXTURE, changed, reconfigured

WEIGHTS = "model.safetensors"
KEY = "model.layers.1.mlp.up_proj.weight"


def check(folder):
    checkpoint = Checkpoint.open(folder)
    checkpoint.check(expected_shapes(network_config(checkpoint)))


def test_the_fixture_is_complete():
    check(FIXTURE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model.embed_tokens.weight", "model.language_model.embed_tokens.weight"),
        ("model.layers.3.mlp.up_proj.weight", "model.language_model.layers.3.mlp.up_proj.weight"),
        ("model.norm.weight", "model.language_model.norm.weight"),
        ("visual.blocks.0.attn.qkv.bias", "model.visual.blocks.0.attn.qkv.bias"),
        ("multi_vector_projector.bias", "multi_vector_projector.bias"),
        ("model.visual.patch_embed.proj.weight", "model.visual.patch_embed.proj.weight"),
        ("model.language_model.norm.weight", "model.language_model.norm.weight"),
    ],
)
def test_names_of_both_ages_are_understood(old, new):
    assert today_name(old) == new


@pytest.mark.parametrize(
    ("file", "change", "problem"),
    [
        (WEIGHTS, lambda t: t.pop(KEY), r"model.language_model.layers.1.mlp.up_proj.weight \[96, 64\] is missing in the base model"),
        (WEIGHTS, lambda t: t.update(lm_head=torch.zeros(2)), "lm_head in model.safetensors has no place in the base model"),
        (WEIGHTS, lambda t: t.update({KEY: torch.zeros(96, 65)}), r"up_proj.weight has shape \[96, 65\], not \[96, 64\]"),
        (WEIGHTS, lambda t: t.pop("multi_vector_projector.bias"), r"multi_vector_projector.bias \[16\] is missing"),
        (WEIGHTS, lambda t: t.pop("visual.merger.mlp.0.weight"), r"model.visual.merger.mlp.0.weight \[.*\] is missing"),
        (ADAPTERS, lambda t: t.pop("base_model.model.multi_vector_projector.lora_B.code.weight"), r"lora_B.code.weight \[16, 4\] is missing in the adapters"),
        (
            ADAPTERS,
            lambda t: t.update({"base_model.model.multi_vector_projector.lora_A.code.weight": torch.zeros(5, 64)}),
            r"lora_A.code.weight has shape \[5, 64\], not \[4, 64\]",
        ),
        (ADAPTERS, lambda t: t.update({"base_model.model.model.visual.x.lora_A.code.weight": torch.zeros(4, 4)}), "visual.x.lora_A"),
    ],
)  # fmt: skip
def test_every_missing_unexpected_or_misshaped_tensor_is_an_error(tmp_path, file, change, problem):
    folder = changed(tmp_path / "m", file, change)
    with pytest.raises(BadCheckpoint, match=problem):
        check(folder)
    with pytest.raises(BadCheckpoint, match=problem):
        JinaV4Model.load(Checkpoint.open(folder))


def test_many_problems_are_counted(tmp_path):
    folder = changed(tmp_path / "m", WEIGHTS, lambda t: [t.pop(name) for name in list(t) if "mlp" in name])
    with pytest.raises(BadCheckpoint, match=r"; and [0-9]+ more$") as caught:
        check(folder)
    assert len(caught.value.problems) > 20


@pytest.mark.parametrize("file", [WEIGHTS, ADAPTERS])
@pytest.mark.parametrize("keep", [0, 5, 200, 0.5, 0.999], ids=str)
def test_a_truncated_file_says_so(tmp_path, file, keep):
    folder = tmp_path / "m"
    shutil.copytree(FIXTURE, folder)
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(data[: round(keep * len(data)) if keep < 1 else keep])
    with pytest.raises(BadCheckpoint, match="it was cut short"):
        check(folder)


@given(data=st.binary(max_size=300))
def test_rubbish_is_never_taken_for_tensors(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("rubbish") / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(BadCheckpoint):
        read_headers([path])


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        ("config.json", WeightsMissing, "config.json cannot be read: No such file"),
        (WEIGHTS, WeightsMissing, "has neither model.safetensors nor model.safetensors.index.json"),
        (ADAPTERS, WeightsMissing, "adapter_model.safetensors is not there: it holds the adapters of retrieval, text-matching, code"),
        ("adapters/adapter_config.json", WeightsMissing, "adapter_config.json cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there_is_named(tmp_path, file, error, message):
    folder = tmp_path / "m"
    shutil.copytree(FIXTURE, folder)
    (folder / file).unlink()
    with pytest.raises(error, match=message):
        check(folder)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"model_type": "qwen2_vl"}, "a model of type 'qwen2_vl', not jina-embeddings-v4"),
        ({"multi_vector_projector_dim": None}, "a model of type 'qwen2_5_vl', not jina-embeddings-v4"),
        ({"vision_start_token_id": None}, "config.json has no 'vision_start_token_id'"),
        ({"multi_vector_projector_dim": 24}, r"multi_vector_projector.weight has shape \[16, 64\], not \[24, 64\]"),
        ({"task_names": ["retrieval"]}, "has no place in the adapters"),
        ({"vision_config": 3}, "config.json: "),
    ],
)
def test_a_folder_of_another_model_is_refused(tmp_path, values, problem):
    with pytest.raises(BadCheckpoint, match=problem):
        check(reconfigured(tmp_path / "m", "config.json", **values))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"r": 8}, r"lora_A.code.weight has shape \[4, 96\], not \[8, 96\]"),
        ({"bias": "all"}, "adapter_config.json has bias = 'all'"),
        ({"use_dora": True}, "adapter_config.json has use_dora = True"),
        ({"target_modules": None}, "adapter_config.json lacks one of r, lora_alpha, target_modules"),
    ],
)
def test_other_adapters_are_refused(tmp_path, values, problem):
    with pytest.raises(BadCheckpoint, match=problem):
        check(reconfigured(tmp_path / "m", "adapters/adapter_config.json", **values))


def test_the_scale_of_adapters_is_read(tmp_path):
    """alpha / r multiplies them: 1 in the published checkpoint, and not a constant."""
    folder = reconfigured(tmp_path / "m", "adapters/adapter_config.json", lora_alpha=8)
    layer = JinaV4Model.load(Checkpoint.open(folder))._network.get_base_model().multi_vector_projector
    assert layer.scaling == {"retrieval": 2, "text-matching": 2, "code": 2}


def test_target_modules_may_be_a_list(tmp_path):
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "multi_vector_projector"]
    check(reconfigured(tmp_path / "m", "adapters/adapter_config.json", target_modules=names))


def shard(folder, n_shards):
    """Split the weights over several files, as large checkpoints come."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    weight_map = {}
    for number in range(n_shards):
        file = f"model-{number + 1:05d}-of-{n_shards:05d}.safetensors"
        part = dict(list(tensors.items())[number::n_shards])
        save_file(part, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def test_weights_in_several_files(tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(FIXTURE, folder)
    shard(folder, 3)
    assert len(weight_files(folder)) == 3
    check(folder)
    loaded = JinaV4Model.load(Checkpoint.open(folder))._network.state_dict()
    whole = JinaV4Model.load(Checkpoint.open(FIXTURE))._network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in whole.items())


def test_a_missing_shard_is_named(tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(FIXTURE, folder)
    shard(folder, 3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(
        WeightsMissing, match=r"lacks model-00002-of-00003\.safetensors, which model\.safetensors\.index\.json lists"
    ):
        check(folder)


def test_a_tensor_in_two_shards_is_an_error(tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(FIXTURE, folder)
    shard(folder, 2)
    second = folder / "model-00002-of-00002.safetensors"
    save_file({**load_file(second), "model.embed_tokens.weight": torch.zeros(300, 64)}, second)
    with pytest.raises(BadCheckpoint, match=r"model.embed_tokens.weight is in model-00001.* and in model-00002"):
        check(folder)
