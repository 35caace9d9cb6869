"""How long a user waits, and how much memory it takes: figures in benchmarks/results/speed.json.

    python -m benchmarks.speed

Whole processes are timed (median of seven), because that is what a person at a terminal waits for.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import ROOT, write_result

RUNS = 7
LONG_PDF_PAGES = 2000


def pagesight(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pagesight", *map(str, arguments)]


def median_seconds(command: list[str]) -> float:
    """Median wall time of whole runs, after one to fill the file cache."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times[1:]), 3)


def watched(command: list[str]) -> dict[str, float]:
    """Wall time, and the largest sum of resident memory over the process and its children."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        parent = psutil.Process(process.pid)
        while not done.wait(0.1):
            try:
                family = [parent, *parent.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family))
            except psutil.Error:  # a child ended in between
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    if code:
        raise subprocess.CalledProcessError(code, command)
    return {"seconds": round(time.perf_counter() - began, 1), "peak_mb": round(peak / 1e6)}


def long_pdf(path: Path) -> None:
    """2,000 pages of 350 words."""
    import pymupdf

    words = (ROOT / "sample_docs" / "README.md").read_text(encoding="utf-8").split()
    document = pymupdf.open()
    for number in range(LONG_PDF_PAGES):
        page = document.new_page()
        text = " ".join(words[(number * 7 + i) % len(words)] for i in range(350))
        page.insert_textbox(pymupdf.Rect(50, 50, 545, 800), f"Page {number + 1}. {text}", fontsize=10)
    document.save(path)


def measure() -> dict[str, Any]:
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        result["index_sample_docs"] = watched(pagesight("--index", index, "index", "sample_docs"))
        result["index_sample_docs_again"] = watched(pagesight("--index", index, "index", "sample_docs"))
        result["help_seconds"] = median_seconds(pagesight("--help"))
        result["cold_search_seconds"] = median_seconds(pagesight("--index", index, "search", "loans due in 2028"))
        long_pdf(Path(scratch) / "long.pdf")
        result["index_2000_pages"] = watched(
            pagesight("--index", Path(scratch) / "long", "index", f"{scratch}/long.pdf")
        )
        info = subprocess.run(
            pagesight("--index", index, "info", "--json"), cwd=ROOT, capture_output=True, text=True, check=True
        )
        result["bytes_per_page"] = json.loads(info.stdout)["bytes_per_page"]
        result["sample_pages"] = json.loads(info.stdout)["n_pages"]
    result["load_average"] = round(os.getloadavg()[0], 1)
    return result


if __name__ == "__main__":
    write_result("speed", measure())
