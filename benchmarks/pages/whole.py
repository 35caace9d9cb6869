"""Run by benchmarks.pages in a process of its own, for any checkout: index a folder, once, with so many reading processes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

POLL_S = 0.2


def main() -> None:
    from pagesight.engine import IndexConfig, SearchEngine

    folder, n_processes = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_processes])
    peak, done = [0], threading.Event()
    threading.Thread(target=_watch, args=(peak, done), daemon=True).start()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch, SearchEngine.open(Path(scratch) / "index") as engine:
        summary = engine.index([folder], IndexConfig(n_processes=n_processes))
    wall = time.perf_counter() - began
    done.set()
    used = os.times()
    cpu = used.user + used.system + used.children_user + used.children_system
    print(json.dumps({"pages": summary.n_pages, "wall": wall, "cpu": cpu, "peak_mb": peak[0] // 2**20}))


def _watch(peak: list[int], done: threading.Event) -> None:
    """Memory of this process and those it started, at its highest; what several share is counted once (Pss of proc(5))."""
    while not done.wait(POLL_S):
        total = 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    if os.getpid() in (parent, int(entry.name)):
                        total += int((entry / "smaps_rollup").read_text().partition("\nPss:")[2].split()[0]) * 1024
                except OSError:  # it has ended
                    continue
        peak[0] = max(peak[0], total)


if __name__ == "__main__":
    main()
