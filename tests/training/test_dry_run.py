"""What a run would take is said beforehand, and nothing is trained."""

import json
import os
import subprocess
import sys

import pytest

from pagesight.engine.cli.main import _register, cli
from tests.helpers import ROOT, run_cli
from tests.training.lessons import data, tiny_checkpoint

CONFIG = """
model = "m"
out = "out"
device = "cpu"
steps = 7
text_batch = 8
picture_batch = 4
[pairs]
sources = ["data/text.jsonl", "data/pictures.jsonl"]
"""
# The most that the process held above what it held before, against what was said. Without the threshold glibc keeps freed blocks.
PEAK = """
import json, sys, threading, time
from pathlib import Path
import psutil, torch
from pagesight.engine.training.dry_run import memory_of
from pagesight.engine.training.arguments import compute_dtype
from pagesight.engine.training.listening import Silent
from pagesight.engine.training.phases import Run
from pagesight.engine.training.settings_file import read_settings
from pagesight.engine.training.stage_data import make_collator, make_steps, open_data
torch.set_num_threads(1)
settings = read_settings(Path(sys.argv[1]))
run, stage = Run(settings), settings.stages["pairs"]
data = open_data("pairs", stage)
step = make_steps("pairs", stage, data, make_collator("pairs", stage, run.base), seed=0).make()
said = memory_of(run.base, stage, run.lora, step, dtype=compute_dtype(settings))
layer = torch.nn.Linear(2, 2)
layer(torch.ones(1, 2)).sum().backward()
torch.optim.AdamW(layer.parameters()).step()  # imports what it needs
me, peak, done = psutil.Process(), 0, threading.Event()
before = me.memory_info().rss
def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, me.memory_info().rss)
threading.Thread(target=watch, daemon=True).start()
run.folder.mkdir(parents=True)
run._train_stage("pairs", stage, data, lambda: False)
done.set()
print(json.dumps([said.device + said.inputs, peak - before]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dry")
    tiny_checkpoint(folder / "m")
    data(folder / "data")
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.mark.thorough
def test_steps_time_memory_and_a_page_with_the_first_batches(place, capsys):
    _register()
    assert cli.main(["train", str(place / "config.toml"), "--dry-run"], standalone_mode=False) == 0
    out = capsys.readouterr().out
    assert "pairs: 7 steps over text (180 examples), pictures (44 examples)" in out
    assert "on this machine" in out
    page = (place / "out" / "training" / "dry-run" / "pairs.html").read_text()
    assert page.count("<section>") == 2 * (8 + 4)
    assert page.count("data:image/jpeg;base64,") == 2 * 4
    assert not (place / "out" / "config.json").exists()
    assert cli.main(["train", str(place / "config.toml"), "--dry-run", "--json"], standalone_mode=False) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["measured"]
    assert found["seconds"] == pytest.approx(7 * found["seconds_a_step"])


@pytest.mark.thorough
def test_the_steps_that_are_timed_compute_as_those_of_the_run(place, monkeypatch):
    """In its dtype, and its activations again."""
    from pagesight.engine.training.dry_run import plan
    from pagesight.engine.training.settings_file import read_settings
    from pagesight.engine.training.trainer import JinaTrainer

    seen = []
    real = JinaTrainer.encode

    def encode(self, model, batch):
        seen.append(model.get_base_model().is_activation_checkpointing)
        return real(self, model, batch)

    monkeypatch.setattr(JinaTrainer, "encode", encode)
    changes = {
        "dtype": "bfloat16",
        "train_projector": True,
        "checkpointing": True,
        "pairs.sources": ["data/text.jsonl"],
    }
    (planned,) = plan(read_settings(place / "config.toml", changes))
    assert planned.measured
    assert set(seen) == {True}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory, and tells glibc's allocator what to do")
@pytest.mark.parametrize(
    ("sizes", "changes"),
    [
        ({"hidden": 128, "layers": 4}, {}),
        ({"hidden": 192, "layers": 6}, {"train_all": "true"}),
        ({"hidden": 256, "layers": 6}, {"cache_chunk": "16", "checkpointing": "true"}),
    ],
    ids=["adapter", "all weights", "GradCache and checkpointing"],
)
def test_memory_is_said_within_15_percent(tmp_path, sizes, changes):
    eighth = sizes["hidden"] // 32  # of half a head's width
    mrope = (eighth, (sizes["hidden"] // 8 - eighth) // 2, (sizes["hidden"] // 8 - eighth) // 2)
    tiny_checkpoint(tmp_path / "m", heads=4, mrope=mrope, **sizes)
    rows = [{"query": f"word {i}", "positive": " ".join(f"{i} and {j}" for j in range(60))} for i in range(40)]
    (tmp_path / "text.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [
        'model = "m"', 'out = "out"', 'device = "cpu"', "steps = 2", "text_batch = 32", "matryoshka_dims = [64]",
        *(f"{name} = {value}" for name, value in changes.items()), "[pairs]", 'sources = "text.jsonl"',
    ]  # fmt: skip
    (tmp_path / "config.toml").write_text("\n".join(lines))
    found = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "config.toml")],
        check=True, capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "100000"},
    )  # fmt: skip
    said, measured = json.loads(found.stdout)
    assert said == pytest.approx(measured, rel=0.15)


@pytest.mark.thorough
def test_without_the_extra_the_message_names_it(place):
    """In a process where accelerate cannot be found."""
    hidden = (
        "import importlib.util as u, sys; real = u.find_spec;"
        "u.find_spec = lambda name, *a: None if name == 'accelerate' else real(name, *a);"
        "sys.argv = ['pagesight', 'train', sys.argv[1]]; from pagesight.engine.cli.main import main; main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", hidden, str(place / "config.toml")],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert found.returncode == 2
    assert "accelerate, which training needs, is not installed; run: pip install 'pagesight[train]'" in found.stderr
    assert run_cli("train", "--help").returncode == 0
