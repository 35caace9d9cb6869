"""Searching for long while an index changes without a pause, from two processes: benchmarks/results/soak.json.

    python -m benchmarks.soak --minutes 10

Every answer says of which generation it is, and is held to what was in the index then (benchmarks/soak_check.py). Memory and open
descriptors of both processes must be at the end what they were after a tenth of the time. Fails if anything is not so.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import ROOT, write_result
from benchmarks.soak_check import HASHING, wrong_answers
from pagesight import Space
from pagesight.storage.store import Store

THREADS = {"search": 8, "change": 2}
MAX_CHECKED = 200_000
TREND_SECONDS = 50  # a shorter run is not over the start at a tenth of its time
RSS_ROOM_MB, DESCRIPTOR_ROOM = 24, 8  # views come and go, and with them connections, maps, states


def soak(seconds: float, folder: Path, *, max_checked: int = MAX_CHECKED) -> dict[str, Any]:
    """Run both processes on a new index in this folder; the figures, with what went wrong."""
    index = folder / "index"
    space = Space(
        encoder=HASHING.name,
        fingerprint=HASHING.fingerprint,
        single_dim=HASHING.single_dim,
        token_dim=HASHING.token_dim,
    )
    Store.create(index, space).close()
    processes = {}
    for role, n_threads in THREADS.items():
        work = [sys.executable, "-m", "benchmarks.soak_work", role, index, folder / f"{role}.jsonl", seconds, n_threads]
        processes[role] = subprocess.Popen([*map(str, work)], cwd=ROOT)
    codes = {role: process.wait() for role, process in processes.items()}
    counts = Counter(line["kind"] for role in THREADS for line in _records(folder, role))
    answers = _sample(folder, counts["answer"], max_checked)
    wrong = list(wrong_answers(_records(folder, "change", "commit"), answers))
    errors = [f"{line['where']}: {line['error']}" for role in THREADS for line in _records(folder, role, "error")]
    errors += [f"the process that should {role} ended with {code}" for role, code in codes.items() if code]
    sizes = {role: _sizes(list(_records(folder, role, "size"))) for role in THREADS}
    return {
        "seconds": seconds,
        "threads": THREADS,
        "searches": counts["answer"],
        "checked": len(answers),
        "generations_answered": len({answer["generation"] for answer in answers}),
        "commits": counts["commit"],
        "optimizes": counts["optimize"],
        "errors": len(errors),
        "wrong_answers": len(wrong),
        "sizes": sizes,
        "problems": [*errors[:10], *wrong[:10], *(_grown(sizes) if seconds >= TREND_SECONDS else [])],
    }


def _records(folder: Path, role: str, kind: str | None = None) -> Iterator[dict[str, Any]]:
    with open(folder / f"{role}.jsonl", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if kind in (None, record["kind"]):
                yield record


def _sample(folder: Path, n_answers: int, n: int) -> list[dict[str, Any]]:
    """All answers, or so many of them by chance."""
    chosen = set(random.Random(1).sample(range(n_answers), n)) if n_answers > n else None
    answers = (line for role in THREADS for line in _records(folder, role, "answer"))
    return [answer for i, answer in enumerate(answers) if chosen is None or i in chosen]


def _sizes(lines: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Medians from a tenth of the time to a fifth, and of the last tenth."""

    def typical(name: str, first: float, last: float) -> float:
        values = [line[name] for line in lines if first <= line["at"] <= last]
        return float(median(values)) if values else float("nan")

    return {
        "rss_mb_at_10%": round(typical("rss", 0.1, 0.2) / 1e6, 1),
        "rss_mb_at_end": round(typical("rss", 0.9, 1.0) / 1e6, 1),
        "descriptors_at_10%": typical("descriptors", 0.1, 0.2),
        "descriptors_at_end": typical("descriptors", 0.9, 1.0),
    }


def _grown(sizes: dict[str, dict[str, float]]) -> list[str]:
    problems = []
    for role, size in sizes.items():
        if not size["rss_mb_at_end"] <= size["rss_mb_at_10%"] + RSS_ROOM_MB:
            problems.append(f"{role}: memory grew from {size['rss_mb_at_10%']} to {size['rss_mb_at_end']} MB")
        if not size["descriptors_at_end"] <= size["descriptors_at_10%"] + DESCRIPTOR_ROOM:
            problems.append(
                f"{role}: descriptors grew from {size['descriptors_at_10%']} to {size['descriptors_at_end']}"
            )
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10)
    with tempfile.TemporaryDirectory() as folder:
        result = soak(parser.parse_args().minutes * 60, Path(folder))
    write_result("soak", result)
    if result["problems"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
