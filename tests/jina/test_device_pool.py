"""A process a device: two on the CPU stand for two GPUs."""

import os
import signal

import numpy as np
import psutil
import pytest

from pagesight.engine import IndexConfig, ModelConfig, SearchEngine
from pagesight.engine.models import load_model
from pagesight.engine.models.device_pool import DevicePool
from pagesight.storage.errors import ModelError, QueryError, UnreadableDocument
from tests.helpers import make_pdf
from tests.jina.checkpoints import make_checkpoint
from tests.jina.test_engine import page

pytestmark = pytest.mark.slow  # starting processes with torch in them
SMALL = {"image_pixels": 40_000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "m")


@pytest.fixture(scope="module")
def pool(folder):
    found = load_model(str(folder), ModelConfig(device="cpu, cpu", **SMALL))
    assert isinstance(found, DevicePool)
    yield found
    found.close()


def test_the_vectors_are_those_of_one_device_in_order(folder, pool):
    alone = load_model(str(folder), ModelConfig(**SMALL))
    assert (pool.name, pool.fingerprint, pool.single_dim) == (alone.name, alone.fingerprint, alone.single_dim)
    assert pool.pages_at_once == 2 * alone.pages_at_once
    pages = [page(300, 400 + 30 * number, number) for number in range(5)]
    for one, other in zip(pool.encode_pages(pages), alone.encode_pages(pages), strict=True):
        np.testing.assert_allclose(one.tokens, other.tokens, atol=1e-5)
        assert np.array_equal(one.boxes, other.boxes)
    (query,), (expected,) = pool.encode_queries(["which page"]), alone.encode_queries(["which page"])
    np.testing.assert_allclose(query.tokens, expected.tokens, atol=1e-5)
    assert pool.encode_pages([]) == []


def test_an_index_may_be_made_by_two_devices_and_searched_by_one(folder, pool, tmp_path):
    make_pdf(tmp_path / "a.pdf", [f"page number {number}" for number in range(20)])
    settings = ModelConfig(device="cpu, cpu", **SMALL)
    with SearchEngine.open(tmp_path / "index", model=str(folder), settings=settings) as engine:
        assert engine.encoder is pool
        (outcome,) = engine.index([tmp_path / "a.pdf"], IndexConfig(n_processes=1))
        assert outcome.n_pages == 20
    with SearchEngine.open(tmp_path / "index") as engine:
        assert len(engine.search("number", k=30)) == 20


def test_what_goes_wrong_in_a_process_is_said_here(folder, pool):
    with pytest.raises(UnreadableDocument, match="page 3: a picture of 2 x 900 pixels is too thin"):
        pool.encode_pages([page(number=1), page(number=2), page(2, 900, 3)])
    with pytest.raises(QueryError, match="has no words"):
        pool.encode_queries(["?"])
    assert len(pool.encode_pages([page()])) == 1  # and it goes on


def test_a_process_that_dies_ends_the_run_with_its_reason(folder):
    pool = DevicePool(str(folder), ModelConfig(device="cpu,cpu", **SMALL))
    os.kill(pool._workers[1]._process.pid, signal.SIGKILL)
    with pytest.raises(ModelError, match=r"the process of device cpu died \(signal 9\); finished documents are safe"):
        pool.encode_pages([page(number=1), page(number=2)])
    pids = [worker._process.pid for worker in pool._workers]
    pool.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_device_that_is_not_there_is_named(folder):
    with pytest.raises(ModelError, match="device cuda:7: the device 'cuda:7' cannot be used here; there are cpu"):
        DevicePool(str(folder), ModelConfig(device="cuda:7,cuda:8"))
