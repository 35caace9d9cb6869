"""Both phases from the command line on made-up data: what is learnt, and the folder that comes out."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pagesight.engine.cli.main import _register, cli
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.embedder import JinaEmbeddingsV4
from pagesight.engine.training.listening import Silent
from pagesight.engine.training.merging import merge
from pagesight.engine.training.phases import train
from pagesight.engine.training.settings_file import read_settings
from pagesight.storage.errors import BadTrainingData, ConfigError, TrainingExists
from tests.jina.checkpoints import ADAPTERS
from tests.training.lessons import data, tiny_checkpoint

pytestmark = pytest.mark.thorough

CONFIG = """
model = "m"
out = "out"
device = "cpu"
text_batch = 20
picture_batch = 10
learning_rate = 1e-2
log_every = 5
evaluate_every = 15
start = "fresh"
[pairs]
steps = 30
sources = ["data/text.jsonl", "data/pictures.jsonl"]
evaluation = ["data/text-held.jsonl", "data/pictures-held.jsonl"]
[tasks.retrieval]
steps = 10
sources = [{path = "data/text.jsonl", licence = "CC0-1.0"}]
evaluation = ["data/text-held.jsonl"]
[tasks.text-matching]
steps = 4
sources = [{path = "data/graded.jsonl", weight = 1}, {path = "data/text.jsonl", weight = 1}]
evaluation = ["data/graded.jsonl"]
"""


def run(*arguments):
    _register()
    return cli.main(["train", *map(str, arguments)], standalone_mode=False)


class Records(Silent):
    def __init__(self):
        self.logs = []

    def logged(self, step, values):
        self.logs.append((step, values))

    def of(self, name):
        return [values[name] for _, values in self.logs if name in values]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a checkpoint, data and a configuration."""
    folder = tmp_path_factory.mktemp("training")
    tiny_checkpoint(folder / "m")
    data(folder / "data")
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def trained(place):
    """The result of both phases."""
    assert run(place / "config.toml", "--quiet") == 0
    return place / "out"


def settings_of(place, out, **changes):
    return read_settings(place / "config.toml", {"out": str(out), **changes})


def records(folder):
    return {path.parent.name: json.loads(path.read_text()) for path in folder.glob("training/*/result.json")}


def test_held_out_pairs_are_found_far_beyond_chance(trained):
    """Chance: a twentieth of 40 texts and 12 pictures, some 0.11 and 0.38."""
    scores = records(trained)["pairs"]["scores"]
    assert scores["text-held_nDCG@10_late"] > 0.4
    assert scores["pictures-held_nDCG@10_late"] > 0.65
    assert records(trained)["retrieval"]["scores"]["nDCG@10_late"] > scores["text-held_nDCG@10_late"]
    assert records(trained)["text-matching"]["scores"]["spearman_late"] > 0.3


def test_the_result_is_a_checkpoint_that_verify_accepts_and_the_table_knows(trained, capsys):
    _register()
    assert cli.main(["models", "verify", str(trained)], standalone_mode=False) == 0
    assert "jina-embeddings-v4" in capsys.readouterr().out
    assert not list(trained.rglob(".*")), "nothing half written is left"
    assert not list(trained.glob("training/*/checkpoint-*"))


def test_the_base_weights_are_not_copied(place, trained):
    assert (trained / "model.safetensors").samefile(place / "m" / "model.safetensors")


def test_tasks_start_from_a_copy_of_phase_one_and_only_those_trained_differ(trained):
    adapters = Checkpoint.open(trained).read_adapters()
    pairs = load_file(trained / "training" / "pairs" / "result.safetensors")
    same = {
        task: all(torch.equal(t, pairs[name].to(t.dtype)) for name, t in one.items()) for task, one in adapters.items()
    }
    assert same == {"retrieval": False, "text-matching": False, "code": True}


def test_the_encoder_of_the_result_finds_what_was_learnt(trained):
    model = JinaEmbeddingsV4.from_pretrained(trained, device="cpu")
    model.task = "retrieval"
    rows = [json.loads(line) for line in (trained.parent / "data" / "text-held.jsonl").read_text().splitlines()]
    queries = torch.stack(model.encode_text([row["query"] for row in rows], prompt_name="query"))
    passages = torch.stack(model.encode_text([row["positive"] for row in rows], prompt_name="passage"))
    ranks = (queries @ passages.T).argsort(dim=1, descending=True)
    among_five = (ranks[:, :5] == torch.arange(len(rows))[:, None]).any(dim=1).float().mean()
    assert among_five > 0.5  # chance: an eighth


# peft 0.21 asks a property that transformers 5.23 has renamed
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_peft_alone_opens_each_adapter(trained):
    """On the plain network, without anything of ours but its class."""
    from peft import PeftModel

    from pagesight.engine.models.jina_v4.model import Batch, JinaV4Model, load_network, network_inputs

    checkpoint = Checkpoint.open(trained)
    ids = torch.randint(8, 200, (2, 7), generator=torch.Generator().manual_seed(0))
    batch = Batch(ids, torch.ones_like(ids))
    ours = JinaV4Model.load(checkpoint)(batch, "retrieval")
    alone = PeftModel.from_pretrained(load_network(checkpoint), trained / "peft" / "retrieval").eval()
    _, projected = alone(**network_inputs(batch, checkpoint.settings))
    torch.testing.assert_close(torch.nn.functional.normalize(projected, dim=-1), ours.multi, atol=1e-6, rtol=0)


def test_the_card_says_data_licences_and_settings_and_nothing_of_this_machine(trained):
    card = (trained / "README.md").read_text()
    assert "| text.jsonl | by size | CC0-1.0 |" in card
    assert "## text-matching" in card
    assert "nDCG@10_late" in card
    assert "learning_rate = 0.01" in card
    assert str(trained.parent) not in card


def test_the_configuration_is_kept_and_a_second_run_does_not_write_over_the_first(place, trained):
    assert read_settings(trained / "training" / "settings.toml") == read_settings(place / "config.toml")
    with pytest.raises(TrainingExists, match="has a training run already"):
        run(place / "config.toml", "--quiet")
    before = (trained / ADAPTERS).read_bytes()
    assert run(place / "config.toml", "--quiet", "--resume") == 0  # nothing is left to do
    assert (trained / ADAPTERS).read_bytes() == before
    with pytest.raises(ConfigError, match=r"has other settings: seed, pairs\.temperature differ"):
        run(place / "config.toml", "--resume", "--set", "seed=1", "--set", "pairs.temperature=0.1")


def test_training_one_task_leaves_the_bytes_of_the_other_adapters_alone(place, tmp_path):
    """From the checkpoint's own adapter, and the loss falls."""
    (tmp_path / "config.toml").write_text(
        f'model = "{place / "m"}"\nout = "out"\ndevice = "cpu"\nlearning_rate = 1e-2\nlog_every = 1\n'
        f'text_batch = 20\nkeep = "last"\n[tasks.code]\nsteps = 8\nsources = "{place / "data" / "text.jsonl"}"\n'
    )
    heard = Records()
    result = train(read_settings(tmp_path / "config.toml"), listener=heard)
    assert result.finished
    assert sum(heard.of("loss")[-3:]) < 0.8 * sum(heard.of("loss")[:3])
    before, after = (load_file(folder / ADAPTERS) for folder in (place / "m", tmp_path / "out"))
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if ".code." in name}
    assert {after[name].dtype for name in after} == {torch.bfloat16}


def test_all_weights_of_a_small_model_are_trained_in_its_own_layout(place, tmp_path):
    """Every file of weights is written anew, under the hub's names, and adapters change nothing until they are trained."""
    settings = read_settings(
        place / "config.toml", {"out": str(tmp_path / "out"), "pairs.train_all": True, "pairs.steps": 3}
    )
    train(settings, only=["pairs"])
    out = tmp_path / "out"
    assert cli.main(["models", "verify", str(out)], standalone_mode=False) == 0
    before, after = load_file(place / "m" / "model.safetensors"), load_file(out / "model.safetensors")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("visual.") for name in changed)
    assert any("mlp.up_proj" in name for name in changed)
    adapters = load_file(out / ADAPTERS)
    assert all(not tensor.any() for name, tensor in adapters.items() if "lora_B" in name)


def test_a_stage_that_needs_another_before_it_says_so(place, tmp_path):
    with pytest.raises(ConfigError, match="retrieval starts from what pairs gives; train pairs first"):
        train(settings_of(place, tmp_path / "out"), only=["retrieval"])
    with pytest.raises(ConfigError, match="the settings have no table for code"):
        train(settings_of(place, tmp_path / "out"), only=["code"])
    with pytest.raises(ConfigError, match="is the model that is trained; name another folder"):
        train(settings_of(place, place / "m"))
    with pytest.raises(ConfigError, match="no training run that could be resumed"):
        train(settings_of(place, tmp_path / "out"), resume=True)


def test_data_that_a_stage_cannot_learn_from_is_refused_before_anything_is_written(place, tmp_path):
    graded = [{"path": str(place / "data" / "graded.jsonl")}]
    with pytest.raises(ConfigError, match="graded: graded pairs train text-matching only, not pairs"):
        train(settings_of(place, tmp_path / "out", **{"pairs.sources": graded}))
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"query": "a", "positive": "b"}\n{"query": "a"}\n')
    with pytest.raises(BadTrainingData, match=r"bad\.jsonl:2"):
        train(settings_of(place, tmp_path / "out", **{"pairs.sources": [str(bad)]}))
    assert not (tmp_path / "out").exists()


def test_other_ranks_need_all_adapters_trained_anew(place, tmp_path):
    with pytest.raises(ConfigError, match="cannot start from the checkpoint's; set start = 'fresh' in pairs"):
        train(settings_of(place, tmp_path / "out", lora_rank=2, start="checkpoint"))
    shutil.copy(place / "config.toml", tmp_path / "c.toml")
    result = train(settings_of(place, tmp_path / "out", **{"lora_rank": 2, "pairs.steps": 1}), only=["pairs"])
    assert Checkpoint.open(result.folder).adapter_settings.rank == 2
    assert cli.main(["models", "verify", str(tmp_path / "out")], standalone_mode=False) == 0


def test_a_loss_that_is_no_number_ends_the_run_with_what_to_change(place, tmp_path):
    with pytest.raises(ConfigError, match=r"the loss is no number after step .*; lower learning_rate"):
        train(settings_of(place, tmp_path / "out", learning_rate=1e30, log_every=1, max_grad_norm=0.0), only=["pairs"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pairs.steps": 3, "learning_rate": 1e30}, "the loss is no number after step"),
        ({"pairs.steps": 1, "learning_rate": 1e39}, "the weights are no number after step 1"),
    ],
)
def test_no_result_has_weights_that_are_no_numbers(place, tmp_path, changes, said):
    """Also where nothing is logged between the step that spoilt them and the end."""
    out = tmp_path / "out"
    common = {"log_every": 100, "keep": "last", "pairs.evaluation": [], "max_grad_norm": 0.0, "warmup": 0.0}
    with pytest.raises(ConfigError, match=said):
        train(settings_of(place, out, **common, **changes), only=["pairs"])
    assert not records(out)
    assert not (out / "config.json").exists()


def test_settings_of_a_stage_that_has_not_begun_may_change(place, tmp_path):
    """Or the stages before it would have been trained for nothing."""
    out = tmp_path / "out"

    def settings(**changes):
        code = {"sources": [str(place / "data" / "text.jsonl")], "steps": 1}
        return settings_of(place, out, **{"pairs.steps": 1, "pairs.evaluation": [], "tasks": {"code": code}}, **changes)

    with pytest.raises(BadTrainingData, match="cannot fill a batch of 400"):
        train(settings(**{"tasks.code.text_batch": 400}))
    assert list(records(out)) == ["pairs"]
    with pytest.raises(ConfigError, match=r"has other settings: pairs\.temperature differ"):
        train(settings(**{"pairs.temperature": 0.1}), resume=True)
    assert train(settings(), resume=True).finished
    with pytest.raises(ConfigError, match=r"has other settings: tasks\.code\.text_batch differ"):
        train(settings(**{"tasks.code.text_batch": 400}), resume=True)


def test_ctrl_c_at_the_end_of_a_stage_is_not_forgotten(place, tmp_path):
    class Presses(Silent):
        def stage_ends(self, stage):
            os.kill(os.getpid(), signal.SIGINT)

    settings = settings_of(place, tmp_path / "out", **{"pairs.steps": 1, "pairs.evaluation": []})
    stopped = train(settings, listener=Presses())
    assert not stopped.finished
    assert [stage.stage for stage in stopped.stages] == ["pairs"]
    assert Checkpoint.open(tmp_path / "out")


def test_a_run_may_be_moved_and_its_folder_be_named_from_where_one_is(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = settings_of(place, tmp_path / "out", **{"pairs.steps": 1, "pairs.evaluation": []})
    train(replace(settings, out=Path("out")), only=["pairs"])
    assert train(replace(settings, out=Path("out")), only=["pairs"], resume=True).finished
    Path("out").rename("moved")
    assert train(replace(settings, out=Path("moved")), only=["pairs"], resume=True).finished


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tasks.retrieval.evaluation_metric": "nDGC@10"}, "there is no metric 'nDGC@10'"),
        ({"tasks.retrieval.matryoshka_dims": [48], "tasks.retrieval.matryoshka_weights": [0.0]}, "must be 0 or more, not all 0"),
        ({"lora_targets": "(q_proj"}, "lora_targets is no regular expression: missing"),
        ({"lora_targets": ".*no_such_layer"}, "lora_targets '.*no_such_layer' cannot be used: No modules were targeted"),
        ({"report_to": ["nobody"]}, "report_to: nobody is not installed, or not known to transformers"),
    ],
    ids=["metric", "weights", "expression", "targets", "report"],
)  # fmt: skip
def test_settings_that_cannot_be_are_said_before_the_first_step(place, tmp_path, changes, said):
    """Those of later stages, too."""
    with pytest.raises(ConfigError, match=said):
        train(settings_of(place, tmp_path / "out", **changes), listener=Records())
    assert not (tmp_path / "out" / "training" / "pairs").exists()


def test_a_merged_model_is_trained_with_a_fresh_adapter(place, tmp_path):
    """Its own is zero, which no gradient leads away from."""
    merge(place / "m", "code", tmp_path / "m")
    merged = {"model": str(tmp_path / "m"), "pairs.steps": 2, "pairs.evaluation": [], "tasks": {}}
    with pytest.raises(
        ConfigError, match=r"pairs: the model's adapter is zero, as a merged one's, .* set start = 'fresh'"
    ):
        train(settings_of(place, tmp_path / "out", start="checkpoint", **merged))
    result = train(settings_of(place, tmp_path / "new", start="fresh", lora_rank=4, **merged))
    (adapter,) = Checkpoint.open(result.folder).read_adapters().values()
    assert any(tensor.any() for name, tensor in adapter.items() if "lora_B" in name)


def test_an_out_that_is_a_file_is_said_in_a_line(place, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=r"cannot be written to: .*Not a directory"):
            train(settings_of(place, out))
    with pytest.raises(ConfigError, match=r"cannot be written to: .*Not a directory"):
        merge(place / "m", "code", tmp_path / "file" / "below")


def test_an_unwritten_folder_is_not_taken_for_a_model(trained, tmp_path):
    """config.json comes last: without it nothing opens the folder."""
    from pagesight.engine.models.table import spec_of_folder
    from pagesight.storage.errors import WeightsMissing

    shutil.copytree(
        trained, tmp_path / "m", ignore=lambda _, names: [n for n in names if n in ("config.json", "training")]
    )
    with pytest.raises(WeightsMissing):
        spec_of_folder(Path(tmp_path / "m"))
