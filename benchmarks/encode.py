"""What encoding pages costs around the network, and how batches are packed: figures in benchmarks/results/encode.json.

    python -m benchmarks.encode                                          a small network of random weights, on the CPU
    python -m benchmarks.encode --model jina-embeddings-v4 --device cuda     pages per second of a real one

The small network has the layout of jina-embeddings-v4 at about a fiftieth of its cost; what surrounds it is what surrounds
the real one. Processor time of one thread by default, because machines that measure are seldom idle: what is done beside
the network in other threads counts in full. Best of two runs, after one to warm up. A real model is timed by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, write_result
from pagesight.engine import ModelConfig
from pagesight.engine.models import load_model
from pagesight.engine.models.on_torch.batching import pack
from pagesight.engine.models.on_torch.runtime import BATCH_TOKENS_GPU
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.running.reader import PageReader

RUNS = 2
BUDGETS = (1024, 2048, 4096)  # tokens of a forward pass


def sample_pages(n_pages: int, image_pixels: int | None) -> list[PageContent]:
    """Pages of all sample documents, evenly spread, as they come from the reading processes."""
    options = ReadOptions(ocr="off", image_pixels=image_pixels)
    found: list[PageContent] = []
    with PageReader(options, n_processes=1, seconds_per_page=60) as reader:
        for path in sorted((ROOT / "sample_docs").rglob("*.pdf")):
            last = reader.open(path).result().n_pages
            found += [page for page in reader.read(path, 1, last).result() if isinstance(page, PageContent)]
    return [found[i * len(found) // n_pages] for i in range(n_pages)]


def all_page_tokens(encoder: Any) -> list[int]:
    """Tokens of every sample page, in the order of the files."""
    options = ReadOptions(ocr="off", image_pixels=encoder.image_pixels)
    with PageReader(options, n_processes=1, seconds_per_page=60) as reader:
        paths = sorted((ROOT / "sample_docs").rglob("*.pdf"))
        sizes = [size for path in paths for size in reader.sizes(path).result()]
    return [encoder.count_tokens(*size) for size in sizes]


def best_seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    times = []
    for _ in range(RUNS):
        began = clock()
        work()
        times.append(clock() - began)
    return min(times)


class Timed:
    """A network that knows how long it has worked."""

    def __init__(self, network: Any) -> None:
        self._network, self.seconds = network, 0.0

    def __call__(self, *given: object) -> object:
        began = time.thread_time()
        result = self._network(*given)
        self.seconds += time.thread_time() - began
        return result

    def __getattr__(self, name: str) -> object:
        return getattr(self._network, name)


def measure_overhead(encoder: Any, pages: Sequence[PageContent]) -> dict[str, float]:
    """Encoding of pages as they come from the reading processes, and the forward passes alone within the same runs."""
    embedder = encoder._embedder
    embedder.model = network = Timed(embedder.model)
    runs = []
    for _ in range(2 * RUNS + 1):
        network.seconds, began = 0.0, time.process_time()
        encoder.encode_pages(pages)
        runs.append((time.process_time() - began - network.seconds, network.seconds))
    around_s, forward_s = min(runs[1:])
    return {
        "forward_ms_per_page": round(1000 * forward_s / len(pages), 1),
        "overhead_ms_per_page": round(1000 * around_s / len(pages), 1),
        "overhead_percent": round(100 * around_s / forward_s, 1),
    }


def padding_waste(lengths: Sequence[int], max_tokens: int) -> dict[str, float]:
    """Percent of computed tokens that are padding: sorted by length, as we do, and in the order they come."""

    def waste(batches: Sequence[Sequence[int]]) -> float:
        computed = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
        return round(100 * (1 - sum(lengths) / computed), 1)

    in_order, batch = [], []
    for i in range(len(lengths)):
        if batch and (len(batch) + 1) * max(lengths[j] for j in [*batch, i]) > max_tokens:
            in_order.append(batch)
            batch = []
        batch.append(i)
    return {"sorted": waste(pack(lengths, max_tokens)), "in_order": waste([*in_order, batch])}


def measure_small(n_pages: int) -> dict[str, Any]:
    """Everything about the surroundings, with a small network."""
    from pagesight.engine.models.jina_v4.inputs import MAX_TEXT_TOKENS
    from tests.jina.checkpoints import make_checkpoint

    with tempfile.TemporaryDirectory() as scratch:
        sizes = {"hidden": 512, "layers": 10, "heads": 8, "projector": 128, "vision": 320, "depth": 10, "rank": 32}
        folder = make_checkpoint(Path(scratch) / "m", **sizes, mrope=(8, 12, 12), matryoshka=(128, 256, 512))
        encoder: Any = load_model(str(folder))
        pages = sample_pages(n_pages, encoder.image_pixels)
        page_tokens = [encoder.count_tokens(page.image.shape[1], page.image.shape[0]) for page in pages]  # type: ignore[union-attr]
        inputs = encoder._embedder.inputs
        texts = [
            json.loads(line)["query"] for line in (ROOT / "sample_docs" / "queries.jsonl").read_text().splitlines()
        ]
        rows = [inputs.text(text, prompt="query", task="retrieval", max_tokens=MAX_TEXT_TOKENS) for text in texts]
        result: dict[str, Any] = {"overhead": measure_overhead(encoder, pages)}
        result["padding_percent"] = {
            "pages": padding_waste(all_page_tokens(encoder), BATCH_TOKENS_GPU),
            "questions": padding_waste([len(row) for row in rows], 512),
        }
        result["page_tokens_per_cpu_second"] = {}
        for budget in BUDGETS:
            encoder._embedder.packer.max_tokens = budget
            seconds = best_seconds(lambda: encoder.encode_pages(pages))
            result["page_tokens_per_cpu_second"][budget] = round(sum(page_tokens) / seconds)
        result["question_tokens_per_cpu_second"] = {}
        for budget in BUDGETS:
            encoder._embedder.packer.max_tokens = budget
            seconds = best_seconds(lambda: encoder.encode_queries(texts))
            result["question_tokens_per_cpu_second"][budget] = round(sum(map(len, rows)) / seconds)
    return result


def measure_real(n_pages: int, model: str, config: ModelConfig) -> dict[str, Any]:
    """Pages per second of a whole model."""
    import torch

    encoder: Any = load_model(model, config)
    pages = sample_pages(n_pages, encoder.image_pixels)
    encoder.encode_pages(pages)  # warm up
    seconds = best_seconds(lambda: encoder.encode_pages(pages), time.perf_counter)
    encoded = encoder.encode_pages(pages[:1])[0]
    device = torch.cuda.get_device_name() if "cuda" in config.device and torch.cuda.is_available() else "cpu"
    return {"device": device, "pages_per_second": round(n_pages / seconds, 2), "vectors_per_page": len(encoded.tokens)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model's name or folder, instead of the small network")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--pages", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    packages = {name: version(name) for name in ("torch", "transformers", "peft")}
    circumstances: dict[str, Any] = {
        "packages": packages,
        "pages": given.pages,
        "threads": given.threads,
        "load_average": round(os.getloadavg()[0], 1),
    }
    if given.model:
        config = ModelConfig(device=given.device, dtype=given.dtype)
        name = f"encode-{Path(given.model).name}"
        write_result(name, {**circumstances, **measure_real(given.pages, given.model, config)})
    else:
        write_result("encode", {**circumstances, **measure_small(given.pages)})


if __name__ == "__main__":
    main()
