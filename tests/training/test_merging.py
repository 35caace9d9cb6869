"""One adapter in the weights gives what weights and adapter gave."""

import json

import pytest
import torch
from safetensors.torch import load_file

from pagesight.engine.cli.main import _register, cli
from pagesight.engine.config import ModelConfig
from pagesight.engine.embedding import HasTask
from pagesight.engine.models import load_model
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.model import Batch, JinaV4Model
from pagesight.engine.models.table import spec_of_folder
from pagesight.storage.errors import ConfigError
from tests.jina.checkpoints import FIXTURE, make_checkpoint


def merge(*arguments):
    _register()
    return cli.main(["models", "merge", *map(str, arguments)], standalone_mode=False)


@pytest.mark.parametrize("task", ["retrieval", "code"])
def test_the_merged_model_gives_the_same_vectors(tmp_path, task):
    """Of the fixture with expected outputs, whose weights are float32."""
    out = tmp_path / "merged"
    assert merge(FIXTURE, "--task", task, "--out", out) == 0
    expected = load_file(FIXTURE / "expected.safetensors")
    merged = JinaV4Model.load(Checkpoint.open(out))
    assert merged.settings.tasks == (task,)
    assert spec_of_folder(out).name == "jina-embeddings-v4"
    for kind, names in (("text", ("in.ids", "in.am")), ("image", ("in.iids", "in.iam", "in.pv", "in.grid"))):
        found = merged(Batch(*(expected[name] for name in names)), task)
        torch.testing.assert_close(found.single, expected[f"{task}.{kind}.single"], atol=1e-5, rtol=0)
        torch.testing.assert_close(found.multi, expected[f"{task}.{kind}.multi"], atol=1e-5, rtol=0)
    assert cli.main(["models", "verify", str(out)], standalone_mode=False) == 0


def test_a_merged_model_opens_for_its_task_without_being_told(tmp_path):
    merge(make_checkpoint(tmp_path / "m"), "--task", "code", "--out", tmp_path / "merged")
    encoder = load_model(str(tmp_path / "merged"), ModelConfig(device="cpu"))
    assert isinstance(encoder, HasTask)
    assert encoder.task == "code"


def test_shards_keep_their_files_and_their_dtype(tmp_path):
    base = make_checkpoint(tmp_path / "m", shards=2)
    merge(base, "--task", "retrieval", "--out", tmp_path / "merged")
    for path in sorted(base.glob("model-*.safetensors")):
        before, after = load_file(path), load_file(tmp_path / "merged" / path.name)
        assert {name: t.dtype for name, t in before.items()} == {name: t.dtype for name, t in after.items()}
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert not any(name.startswith("visual.") or name.endswith(".bias") or "norm" in name for name in changed)
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["task_names"] == ["retrieval"]
    assert cli.main(["models", "verify", str(tmp_path / "merged")], standalone_mode=False) == 0


def test_what_cannot_be_merged_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ConfigError, match=r"has no task 'poetry'; its tasks are retrieval, text-matching, code"):
        merge(FIXTURE, "--task", "poetry", "--out", tmp_path / "merged")
    (tmp_path / "there").mkdir()
    with pytest.raises(ConfigError, match="is there already; name a folder that is not"):
        merge(FIXTURE, "--task", "code", "--out", tmp_path / "there")
    assert {path.name for path in tmp_path.iterdir()} == {"there"}
