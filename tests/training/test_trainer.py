"""The steps of the trainer: interrupted and resumed, in chunks, on several devices."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file

from pagesight.engine.training import phases
from pagesight.engine.training.listening import Silent
from pagesight.engine.training.phases import train
from pagesight.engine.training.settings_file import read_settings
from pagesight.storage.errors import ConfigError
from tests.helpers import ROOT, free_port, run_cli
from tests.training.lessons import data, tiny_checkpoint

CONFIG = """
model = "m"
out = "out"
device = "cpu"
steps = 8
text_batch = 8
picture_batch = 4
learning_rate = 1e-2
evaluate_every = 3
save_every = 2
log_every = 1
[pairs]
sources = ["data/text.jsonl", "data/pictures.jsonl"]
evaluation = ["data/text-held.jsonl"]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trainer")
    tiny_checkpoint(folder / "m")
    data(folder / "data")
    (folder / "config.toml").write_text(CONFIG)
    return folder


def settings_of(place, out, **changes):
    return read_settings(place / "config.toml", {"out": str(out), **changes})


def result_of(out):
    return (out / "training" / "pairs" / "result.safetensors").read_bytes()


def record_of(out):
    return json.loads((out / "training" / "pairs" / "result.json").read_text())


@pytest.fixture(scope="module")
def undisturbed(place):
    train(settings_of(place, place / "undisturbed"))
    return place / "undisturbed"


class Presses(Silent):
    """Ctrl-C during a step."""

    def __init__(self, at):
        self.at = at

    def stepped(self, step):
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.thorough
def test_a_stopped_run_goes_on_bit_for_bit(place, undisturbed, tmp_path):
    """Weights, optimizer, schedule, dropout, order of examples, and the best so far."""
    out = tmp_path / "out"
    stopped = train(settings_of(place, out), listener=Presses(3))
    assert not stopped.finished
    assert stopped.checkpoint == out / "training" / "pairs" / "checkpoint-3"
    assert not (out / "config.json").exists()
    stopped = train(settings_of(place, out), resume=True, listener=Presses(5))
    assert not stopped.finished
    assert train(settings_of(place, out), resume=True).finished
    assert result_of(out) == result_of(undisturbed)
    assert record_of(out)["scores"] == record_of(undisturbed)["scores"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.thorough
def test_a_half_written_checkpoint_is_not_gone_on_from(place, undisturbed, tmp_path):
    out = tmp_path / "out"
    train(settings_of(place, out), listener=Presses(4))
    half = out / "training" / "pairs" / ".checkpoint-6"
    half.mkdir()
    (half / "trained.safetensors").write_bytes(b"cut short")
    assert train(settings_of(place, out), resume=True).finished
    assert result_of(out) == result_of(undisturbed)
    assert not half.exists()


@pytest.mark.thorough
def test_a_run_killed_after_its_last_step_makes_no_step_more(place, undisturbed, tmp_path, monkeypatch):
    """In the last evaluation, say: the checkpoint of the last step is there, and the result is not."""
    out = tmp_path / "out"
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(phases.Run, "_finish", Mock(side_effect=KeyboardInterrupt))
        train(settings_of(place, out))
    assert (out / "training" / "pairs" / "checkpoint-8").exists()
    train(settings_of(place, out), resume=True)
    assert record_of(out)["steps"] == 8
    assert result_of(out) == result_of(undisturbed)


@pytest.mark.thorough
def test_a_file_system_without_links_has_copies(place, undisturbed, tmp_path, monkeypatch):
    for name in ("link", "symlink"):
        monkeypatch.setattr(os, name, Mock(side_effect=PermissionError(errno.EPERM, "Operation not permitted")))
    out = tmp_path / "out"
    train(settings_of(place, out), listener=Presses(5))
    train(settings_of(place, out), resume=True)
    assert result_of(out) == result_of(undisturbed)
    base, copy = place / "m" / "model.safetensors", out / "model.safetensors"
    assert copy.read_bytes() == base.read_bytes()
    assert not copy.samefile(base)


@pytest.mark.thorough
def test_a_run_that_another_process_makes_is_left_alone(place, tmp_path):
    out = tmp_path / "out"
    train(settings_of(place, out), listener=Presses(2))
    with open(out / "training" / "lock", "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match=r"another process trains in .*; wait for it to end, or stop it"):
            train(settings_of(place, out), resume=True)
    assert train(settings_of(place, out), resume=True).finished


@pytest.mark.thorough
def test_what_a_killed_process_left_half_written_is_removed(place, tmp_path):
    out = tmp_path / "out"
    train(settings_of(place, out), listener=Presses(2))
    halves = [".model.safetensors.7", "training/pairs/.result.safetensors.7", "training/pairs/..best.safetensors.7"]
    for name in halves:
        (out / name).write_bytes(b"cut short")
    train(settings_of(place, out), resume=True)
    assert not [name for name in halves if (out / name).exists()]


def gradients(place, out, **changes):
    """Of all that trains, after the first step's backward passes."""
    from pagesight.engine.training.trainer import JinaTrainer

    found = {}

    class Looks(JinaTrainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            loss = super().training_step(model, inputs, num_items_in_batch)
            found.setdefault("loss", loss.item())
            for name, parameter in model.named_parameters():
                if parameter.grad is not None:
                    found.setdefault(name, parameter.grad.clone())
            return loss

    # B is zero in a fresh adapter, and A then has no gradient: start from the checkpoint's, which is random.
    train(
        settings_of(place, out, steps=1, evaluation=[], **{"pairs.evaluation": [], "lora_dropout": 0.0}, **changes),
        trainer=Looks,
    )
    return found


@pytest.fixture(scope="module")
def plain(place):
    return gradients(place, place / "plain")


@pytest.mark.parametrize("changes", [{"cache_chunk": 3}, {"checkpointing": True}], ids=["GradCache", "checkpointing"])
@pytest.mark.thorough
def test_less_memory_gives_the_same_gradient(place, plain, tmp_path, changes):
    other = gradients(place, tmp_path / "out", **changes)
    assert plain.keys() == other.keys()
    assert len(plain) > 10
    largest = max(float(one.abs().max()) for name, one in plain.items() if name != "loss")
    for name, one in plain.items():
        torch.testing.assert_close(other[name], one, rtol=1e-5, atol=1e-5 * largest)


def test_only_the_adapter_trains_and_the_vision_tower_is_as_at_inference(place, tmp_path):
    from pagesight.engine.training.trainer import JinaTrainer

    seen = {}

    class Looks(JinaTrainer):
        def encode(self, model, batch):
            network = model.get_base_model()
            seen["training"] = {name: module.training for name, module in network.named_modules()}
            seen["trains"] = {name for name, p in model.named_parameters() if p.requires_grad}
            return super().encode(model, batch)

    train(settings_of(place, tmp_path / "out", **{"pairs.evaluation": [], "steps": 1}), trainer=Looks)
    assert all(".lora_" in name for name in seen["trains"])
    assert any("multi_vector_projector" in name for name in seen["trains"])
    assert not any("visual" in name for name in seen["trains"])
    assert not any(on for name, on in seen["training"].items() if name.startswith("model.visual"))
    assert any(on for name, on in seen["training"].items() if name.startswith("model.language_model"))


@pytest.mark.thorough
def test_a_subclass_adds_a_term_to_the_loss(place, tmp_path):
    from pagesight.engine.training.trainer import JinaTrainer

    class Longer(JinaTrainer):
        def loss_of_vectors(self, halves):
            return super().loss_of_vectors(halves) + 1000

    heard = []

    class Hears(Silent):
        def logged(self, step, values):
            heard.append(values.get("loss", 1001))

    train(settings_of(place, tmp_path / "out", steps=1), listener=Hears(), trainer=Longer)
    assert min(heard) > 1000


@pytest.mark.thorough
def test_the_loss_of_several_batches_a_step_is_their_mean(place, tmp_path):
    heard = []

    class Hears(Silent):
        def logged(self, step, values):
            heard.append(values)

    found = train(
        settings_of(place, tmp_path / "out", steps=1, accumulate=3, **{"pairs.evaluation": []}), listener=Hears()
    )
    terms = sum(value for name, value in heard[0].items() if name.startswith(("text_", "pictures_")))
    assert heard[0]["loss"] == pytest.approx(terms, rel=1e-4)
    assert found.stages[0].loss == heard[0]["loss"]


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(place, undisturbed, tmp_path):
    """kill -9 at any instant, as often as it takes."""
    out, n_kills = tmp_path / "out", 0
    for wait_s in (0.0, 0.3, 0.05, 0.6, 0.15):
        resume = ["--resume"] if (out / "training" / "settings.toml").exists() else []
        process = subprocess.Popen(
            [sys.executable, "-m", "pagesight", "train", str(place / "config.toml"), "--out", str(out), *resume],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        for line in process.stderr:
            if line.startswith("pairs ") and "loss" in line:
                break
        time.sleep(wait_s)
        n_kills += process.poll() is None
        process.kill()
        process.wait()
        process.stderr.close()
        assert not (out / "config.json").exists() or record_of(out)
    finished = run_cli("train", place / "config.toml", "--out", out, "--resume", OMP_NUM_THREADS="1")
    assert finished.returncode == 0, finished.stderr
    assert n_kills > 1
    assert result_of(out) == result_of(undisturbed)


@pytest.mark.slow
def test_two_processes_equal_one(place, tmp_path):
    """The same batches, shared: the negatives of both, and the same weights after some steps."""
    common = {"lora_dropout": 0.0, "steps": 4, "pairs.evaluation": [], "tasks.retrieval.n_negatives": 2}
    retrieval = {"tasks.retrieval.sources": [str(place / "data" / "text.jsonl")]}
    for name, size, chunk in (("one", 8, 0), ("two", 4, 0), ("two-cached", 4, 3)):
        changes = {**common, **retrieval, "text_batch": size, "picture_batch": size // 2, "cache_chunk": chunk}
        settings = settings_of(place, tmp_path / name, **changes)
        if name == "one":
            train(settings)
            continue
        from pagesight.engine.training.settings_file import as_toml

        (tmp_path / f"{name}.toml").write_text(as_toml(settings))
        _in_two_processes(["train", tmp_path / f"{name}.toml", "--quiet"])
    one = load_file(tmp_path / "one" / "adapters" / "adapter_model.safetensors")
    for other in ("two", "two-cached"):
        two = load_file(tmp_path / other / "adapters" / "adapter_model.safetensors")
        for stage in ("pairs", "retrieval"):
            a, b = (load_file(tmp_path / name / "training" / stage / "result.safetensors") for name in ("one", other))
            for name in a:
                torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=1e-5)
        assert one.keys() == two.keys()


def _in_two_processes(arguments):
    port = free_port()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pagesight", *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={
                **os.environ, "OMP_NUM_THREADS": "1", "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo",
            },
        )
        for rank in range(2)
    ]  # fmt: skip
    for process in processes:
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_full_disk_is_said_without_a_traceback_and_the_run_goes_on(place, undisturbed, tmp_path):
    out = tmp_path / "out"
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000));"
        "sys.argv = ['pagesight', *sys.argv[1:]]; from pagesight.engine.cli.main import main; main()"
    )
    full = subprocess.run(
        [sys.executable, "-c", limited, "train", str(place / "config.toml"), "--out", str(out)],
        check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert full.returncode == 2
    assert "Traceback" not in full.stderr
    assert "error: cannot write to" in full.stderr
    assert not (out / "config.json").exists()
    again = run_cli("train", place / "config.toml", "--out", out, "--resume", OMP_NUM_THREADS="1")
    assert again.returncode == 0, again.stderr
    assert result_of(out) == result_of(undisturbed)
    assert Path(out / "config.json").exists()
