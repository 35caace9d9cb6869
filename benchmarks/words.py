"""What encoding pages with a word model costs, and how near its vectors are to the float model: results/words.json.

    python -m benchmarks.words                       pages of sample_docs through multilingual-e5-small, one thread
    python -m benchmarks.words --threads 2 --pages 16

Processor time of the whole process, because machines that measure are seldom idle; median of the rounds. The float model is
the same weights in plain numpy (tests/float_bert.py); both sides' vectors are scaled to length 1, nothing is taken out.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.encode import sample_pages
from pagesight.engine.models.words import multilingual_e5
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.windows import LastWindows
from pagesight.engine.models.words.word_encoder import WINDOW_PIECES, WordEncoder
from pagesight.indexer.content import PageContent
from tests.float_bert import float_bert


def measure_time(encoder: WordEncoder, pages: Sequence[PageContent], rounds: int) -> dict[str, float]:
    """Seconds a page. What is remembered of a round is forgotten before the next."""
    cpu, wall = [], []
    for _ in range(rounds + 1):
        encoder._page_windows = LastWindows(encoder._runner.run)
        began = time.process_time(), time.perf_counter()
        for at in range(0, len(pages), encoder.pages_at_once):
            encoder.encode_pages(pages[at : at + encoder.pages_at_once])
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    cpu_s, wall_s = (median(times[1:]) / len(pages) for times in (cpu, wall))  # the first warms up
    return {
        "pages_per_cpu_second": round(1 / cpu_s, 2),
        "cpu_ms_per_page": round(1000 * cpu_s, 1),
        "wall_ms_per_page": round(1000 * wall_s, 1),
    }


def measure_nearness(encoder: WordEncoder, pages: Sequence[PageContent], n_windows: int) -> dict[str, float]:
    """Cosines of single pieces to the float model's, over the first window of some pages."""
    weights = PackedE5(multilingual_e5.PACKED.locate())
    cosines = []
    for page in pages[:n_windows]:
        window = [*encoder._page_head, *encoder._units(page.words).ids][: WINDOW_PIECES - 1]
        window.append(encoder._tokenizer.end_id)
        (found,), exact = encoder._runner.run([window]), float_bert(weights, window)
        products = (found * exact).sum(axis=1)
        cosines.append(products / np.linalg.norm(found, axis=1) / np.linalg.norm(exact, axis=1))
    every = np.concatenate(cosines)
    return {
        "cosine_to_float": round(float(every.mean()), 5),
        "cosine_to_float_worst_percent": round(float(np.percentile(every, 1)), 5),
        "pieces_compared": len(every),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="windows that are encoded at once")
    parser.add_argument("--windows", type=int, default=12, help="that are compared with the float model")
    given = parser.parse_args()
    encoder = multilingual_e5.load(threads=given.threads)
    pages = sample_pages(given.pages, None)
    result: dict[str, Any] = {
        "pages": given.pages,
        "threads": given.threads,
        "load_average": round(os.getloadavg()[0], 1),
    }
    result["words_per_page"] = round(sum(len(page.words) for page in pages) / len(pages))
    result |= measure_time(encoder, pages, given.rounds) | measure_nearness(encoder, pages, given.windows)
    write_result("words", result)


if __name__ == "__main__":
    main()
