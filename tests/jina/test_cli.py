"""pagesight models, and the engine's commands with a model from the hub."""

import importlib.util
import json
import re
import shutil

import pytest
import torch

from pagesight.engine.cli.main import _register, cli
from pagesight.engine.models import MODELS, known_name, load_model
from pagesight.engine.models.files import hub
from pagesight.storage.errors import ConfigError, ExtraMissing, UnknownModel, WeightsMissing
from tests.helpers import make_pdf, run_cli
from tests.jina.checkpoints import ADAPTERS, FIXTURE, changed, make_checkpoint
from tests.jina.hub_server import hub as hub_server

pytestmark = pytest.mark.thorough

NAME = "jina-embeddings-v4"
COMMIT = MODELS[NAME].hub.revision


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "m", shards=2, max_pixels=50_000)


def verify(capsys, folder, *options):
    _register()
    code = cli.main(["models", "verify", str(folder), *options], standalone_mode=False)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_verify_prints_the_largest_difference_of_each_output(capsys):
    code, out, _ = verify(capsys, FIXTURE)
    assert code == 0
    assert "226 tensors, all with the names and shapes they should have" in out
    largest = {line.split()[0]: float(line.split()[1]) for line in out.splitlines()[2:]}
    assert len(largest) == 13
    assert all(difference < 1e-5 for difference in largest.values())
    _, out, _ = verify(capsys, FIXTURE, "--json")
    assert {json.loads(line)["output"] for line in out.splitlines()} == largest.keys()


def test_verify_ends_with_1_where_outputs_differ(capsys, tmp_path):
    def spoil(tensors):
        tensors["code.text.single"][1, 3] += 3e-4
        tensors["retrieval.image.multi"][0, 2, 0] = float("nan")

    code, out, err = verify(capsys, changed(tmp_path / "m", "expected.safetensors", spoil))
    assert code == 1
    assert "differs by more than 0.0001: code.text.single, retrieval.image.multi" in err
    assert "code.text.single                       3.0e-04" in out


def test_verify_notices_one_adapter_in_place_of_another(capsys, tmp_path):
    def exchange(tensors):
        for name in [name for name in tensors if ".code." in name and "multi_vector_projector" in name]:
            other = name.replace(".code.", ".retrieval.")
            tensors[name], tensors[other] = tensors[other], tensors[name]

    code, _, err = verify(capsys, changed(tmp_path / "m", ADAPTERS, exchange))
    assert code == 1
    assert {"code.text.multi", "retrieval.image.multi"} <= set(err.split(": ")[1].replace(",", "").split())
    assert "single" not in err  # which do not pass the projector


def test_verify_without_expected_outputs_says_so(capsys, checkpoint):
    code, out, _ = verify(capsys, checkpoint)
    assert code == 0
    assert "no expected outputs" in out


def test_verify_refuses_what_it_cannot_understand(capsys, tmp_path):
    from pagesight.storage.errors import BadCheckpoint

    odd = changed(
        tmp_path / "m", "expected.safetensors", lambda t: t.update({"poetry.text.single": torch.zeros(3, 64)})
    )
    with pytest.raises(BadCheckpoint, match=r"poetry\.text\.single is not TASK\.KIND\.WHAT"):
        verify(capsys, odd)
    with pytest.raises(WeightsMissing, match="is not the folder of a model"):
        verify(capsys, tmp_path)


@pytest.mark.slow
def test_a_model_from_the_hub_is_fetched_once_and_then_needs_no_network(checkpoint, tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["apples and pears"])
    place = {"HF_HOME": str(tmp_path / "hf"), "PAGESIGHT_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    index = ["--index", tmp_path / "index"]

    offline = run_cli(*index, "index", tmp_path / "docs", "--model", NAME, "--offline", **place)
    assert offline.returncode == 2
    assert f"the weights of {NAME} are not on this machine, and the network is not to be used" in offline.stderr
    assert not (tmp_path / "index").exists()

    with hub_server(checkpoint, commit=COMMIT) as (address, asked):
        repository = MODELS[NAME].hub.repository
        first = run_cli(*index, "index", tmp_path / "docs", "--model", repository, HF_ENDPOINT=address, **place)
        assert first.returncode == 0, first.stderr
        assert "1 file indexed (1 page" in first.stdout
        assert any("model-00002-of-00002.safetensors" in path for path in asked)
        asked.clear()
        found = run_cli(*index, "search", "apples", "--json", "--offline", HF_ENDPOINT=address, **place)
        assert json.loads(found.stdout)["document"] == "a.pdf"
        assert asked == []
        listed = run_cli("models", HF_ENDPOINT=address, **place)
        assert "on this machine" in listed.stdout
        assert asked == []


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((403, "GatedRepo"), "is gated: accept its terms at https://huggingface.co/jinaai/jina-embeddings-v4, then run: hf auth login"),
        ((404, "RepoNotFound"), "the hub shows no jinaai/jina-embeddings-v4: it is gone or not open to everybody; log in with: hf auth login"),
        ((404, "RevisionNotFound"), f"has no revision {COMMIT}"),
        ((400, "Odd"), "cannot be fetched: .*; fetch its files on a machine that reaches the hub, copy their folder here"),
    ],
)  # fmt: skip
def test_what_the_hub_refuses_is_explained(checkpoint, tmp_path, refusal, message):
    with hub_server(checkpoint, commit=COMMIT, refuse=refusal) as (address, _):
        result = run_cli("models", "pull", NAME, HF_ENDPOINT=address, HF_HOME=str(tmp_path))
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert re.search(message, line)


def test_a_dry_run_says_pages_vectors_bytes_and_time(capsys, checkpoint, tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["apples and pears", "quinces"])
    _register()
    arguments = [
        "--index",
        str(tmp_path / "index"),
        "index",
        str(tmp_path / "docs"),
        "--model",
        str(checkpoint),
        "--dry-run",
    ]
    assert cli.main(arguments, standalone_mode=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 file to read, 2 pages"
    assert re.fullmatch(r"130 token vectors \(65 a page\), \d+\.\d kB on disk", lines[1])  # 9 x 6 cells, and the prompt
    assert re.fullmatch(r"about .* s on this machine \(.* s a page, 2 pages tried\)", lines[2])
    assert cli.main([*arguments, "--json"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out)["n_vectors"] == 130
    assert not (tmp_path / "index").exists()


def test_pull_into_a_folder(checkpoint, tmp_path):
    """The folder serves as --model FOLDER; what a repository lacks is named."""
    with hub_server(checkpoint, commit=COMMIT) as (address, _):
        result = run_cli("models", "pull", NAME, "--to", tmp_path / "here", HF_ENDPOINT=address, HF_HOME=str(tmp_path))
    assert result.stdout.strip() == str(tmp_path / "here")
    assert load_model(str(tmp_path / "here")).fingerprint == load_model(str(checkpoint)).fingerprint

    shutil.copytree(checkpoint, tmp_path / "lacking")
    (tmp_path / "lacking" / ADAPTERS).unlink()
    with hub_server(tmp_path / "lacking", commit=COMMIT) as (address, _):
        result = run_cli("models", "pull", NAME, HF_ENDPOINT=address, HF_HOME=str(tmp_path / "hf"))
    assert result.returncode == 2
    assert "lacks one of config.json" in result.stderr


def test_pull_fetches_the_default_models_original_files(tmp_path):
    """Only those that --model FOLDER reads, whatever else the repository has."""
    repository = tmp_path / "repository"
    repository.mkdir()
    wanted = {"config.json", "model.safetensors", "tokenizer.json"}
    for name in (*wanted, "pytorch_model.bin", "README.md"):
        (repository / name).write_text(name)
    with hub_server(repository, commit="f" * 40) as (address, asked):
        result = run_cli(
            "models",
            "pull",
            "multilingual-e5-small",
            "--to",
            tmp_path / "e5",
            HF_ENDPOINT=address,
            HF_HOME=str(tmp_path),
        )
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "e5").iterdir() if path.is_file()} == wanted
    assert not any("pytorch_model.bin" in path for path in asked)


def test_models_may_be_called_by_their_repository():
    assert known_name("jinaai/jina-embeddings-v4") == "jina-embeddings-v4"
    assert known_name("intfloat/multilingual-e5-small") == "multilingual-e5-small"
    assert known_name("elsewhere/jina") == "elsewhere/jina"


def test_what_cannot_be_pulled():
    with pytest.raises(
        ConfigError, match=r"the weights of hashing are not on the hub \(none\); there is nothing to fetch"
    ):
        hub.pull("hashing")
    with pytest.raises(UnknownModel, match="there is no model 'nonsense'"):
        hub.pull("nonsense")


def test_without_the_extra_the_command_that_installs_it_is_said(monkeypatch, checkpoint):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "peft" else find_spec(name))
    for name in (NAME, str(checkpoint)):
        load_model.cache_clear()
        with pytest.raises(
            ExtraMissing,
            match=r"peft, which the model .* needs, is not installed; run: pip install 'pagesight\[jina\]'",
        ):
            load_model(name)
