"""What a command line's search does to begin sooner changes nothing of what it finds or says."""

import gc
import subprocess
import sys
import threading
from weakref import ref

import pytest

from pagesight import SearchEngine
from pagesight.engine.config import ModelConfig
from pagesight.engine.models import load_model
from pagesight.engine.models.ahead import loading_ahead
from pagesight.engine.models.hashing import HashingEncoder
from pagesight.storage.store import Store
from tests.helpers import add_document, space

ASK = """
import sys
from pagesight import SearchEngine
with SearchEngine.open(sys.argv[1], model="hashing") as engine:
    print(len(engine.search("quince", n_candidates=int(sys.argv[2]), k=1)), "faiss" in sys.modules)
"""


@pytest.fixture
def index(tmp_path):
    folder = tmp_path / "index"
    (tmp_path / "a.txt").write_text("quince medlar plum")
    with SearchEngine.open(folder, model="hashing") as engine:
        engine.index([tmp_path / "a.txt"])
    return folder


def test_the_model_is_the_one_that_the_engine_asks_for(index):
    with loading_ahead(index, None, ModelConfig()):
        with SearchEngine.open(index) as engine:
            encoder = engine.encoder
        assert load_model("hashing") is encoder
    assert "loading ahead" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.thorough
def test_it_is_kept_until_the_end_and_no_longer(index):
    own = ModelConfig(offline=True)  # others may have the usual one
    with loading_ahead(index, None, own):
        loaded = ref(load_model("hashing", own))
        gc.collect()
        assert isinstance(loaded(), HashingEncoder)
    gc.collect()
    assert loaded() is None


@pytest.mark.parametrize("model", ["no-such-model", "multilingual-e5-small"])
def test_what_is_wrong_is_left_to_the_engine_to_say(index, model):
    with loading_ahead(index, model, ModelConfig()):
        pass


@pytest.mark.parametrize("address", ["no-such-index", "memory://notes", "nonsense://x", ""])
def test_an_index_that_is_not_there_or_elsewhere_is_passed_over(address):
    with loading_ahead(address, None, ModelConfig()):
        pass


def test_an_error_within_is_not_hidden(index):
    with pytest.raises(KeyError), loading_ahead(index, None, ModelConfig()):
        raise KeyError("ours")


@pytest.mark.thorough
@pytest.mark.parametrize(("candidates", "loaded"), [(8, False), (2, True)])
def test_faiss_is_loaded_by_the_first_search_that_must_choose(tmp_path, candidates, loaded):
    with Store.create(tmp_path, space()) as store, store.writer() as writer:
        for i in range(4):
            add_document(writer, f"{i}.pdf", [f"quince {i}"])
    asked = [sys.executable, "-c", ASK, str(tmp_path), str(candidates)]
    run = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["1", str(loaded)], run.stderr
