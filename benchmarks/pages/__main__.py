"""The whole way of a page by kinds of pages and stages, beside other programs and other checkouts: benchmarks/results/pages.*

    python -m benchmarks.pages                                            this checkout and RapidOCR as it comes
    python -m benchmarks.pages --against ../before --ocrmypdf ~/venv/bin/ocrmypdf --rounds 3
    python -m benchmarks.pages --kinds "scan, dense" --rounds 1           adds rows to those that there are
    python -m benchmarks.pages --against ../before --whole sample_docs    time to index all of it, by the clock
    python -m benchmarks.pages --report                                   table and picture of all rows

Each answers in a process of its own, with one thread, after a first file that does not count (models are loaded then); rounds
go from one to the next, file by file, so that all meet the same noise. Figures are medians of processor time. Rows are kept in
build/pages.jsonl; what they say nothing of stays in the report as it was. docling is left out: its models come from a hub.
Word accuracy is the share of a page's words that were found and, behind it, of found words that are there. Pages are made of
sample_docs (kinds.py); scans are drawn, so their text is known.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT
from benchmarks.pages.kinds import KINDS, SAMPLES, accuracy, make
from benchmarks.pages.report import WHOLE, report
from benchmarks.speed import long_pdf

HERE = Path(__file__).parent
WHOLES = ("kinds", "sample_docs", "long")
ROWS = ROOT / "build" / "pages.jsonl"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Runner:
    """A process that answers a line of JSON for each file."""

    def __init__(self, name: str, command: Sequence[str], checkout: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(checkout) | ONE_THREAD,
            cwd=ROOT,
        )

    def ask(self, path: Path) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


def environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{ROOT}"}


def checkouts(wanted: argparse.Namespace) -> dict[str, Path]:
    return {"pagesight": ROOT, **({wanted.name: wanted.against.absolute()} if wanted.against else {})}


def measure(wanted: argparse.Namespace, files: dict[str, Path], words: dict[str, list[list[str]]]) -> None:
    """Ask all in turn, and keep what they answer. Processes are new in each round: encoders remember what they have encoded."""
    peers = [sys.executable, str(HERE / "peers.py")]
    commands = {name: ([sys.executable, str(HERE / "stages.py")], path) for name, path in checkouts(wanted).items()}
    commands["RapidOCR"] = [*peers, "rapidocr"], ROOT
    if wanted.ocrmypdf:
        commands["OCRmyPDF"] = [*peers, "ocrmypdf", wanted.ocrmypdf], ROOT
    runners = [Runner(name, *command) for name, command in commands.items() if name in (wanted.by or commands)]
    for runner in runners:
        runner.ask(files["warm"])
    for kind in wanted.kinds:
        for runner in runners:
            answer = runner.ask(files[kind])
            found = [accuracy(*pair) for pair in zip(words[kind], answer.pop("words"), strict=True)]
            keep(
                {
                    "kind": kind,
                    "by": runner.name,
                    **answer,
                    "words": [sum(column) for column in zip(*found, strict=True)],
                }
            )
    for runner in runners:
        runner.close()


def index_whole(wanted: argparse.Namespace, what: str, folder: Path) -> None:
    """A folder by the real pipeline, in turn."""
    for _ in range(wanted.rounds):
        for n_cores in wanted.cores:
            for name, path in checkouts(wanted).items():
                if name not in (wanted.by or [name]):
                    continue
                command = [sys.executable, str(HERE / "whole.py"), str(folder), str(n_cores)]
                done = subprocess.run(command, env=environment(path), cwd=ROOT, stdout=subprocess.PIPE, check=True)
                keep(
                    {
                        "kind": WHOLE,
                        "what": what,
                        "by": name,
                        "cores": n_cores,
                        **json.loads(done.stdout.splitlines()[-1]),
                    }
                )


def folders(wanted: argparse.Namespace, scratch: Path) -> dict[str, Path]:
    """What ``--whole`` indexes, by name."""
    found = {}
    for what in wanted.whole:
        if what == "sample_docs":
            found[what] = SAMPLES
            continue
        found[what] = scratch / what
        found[what].mkdir()
        if what == "long":
            long_pdf(found[what] / "long.pdf")
        else:
            files = make(found[what])
            for unwanted in {"warm", *KINDS} - set(wanted.kinds):
                files[unwanted].unlink()
    return found


def keep(row: dict[str, Any]) -> None:
    print(json.dumps(row), file=sys.stderr, flush=True)
    with open(ROWS, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--against", type=Path, help="another checkout, measured beside this one")
    parser.add_argument("--name", default="before", help="what to call it")
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--by", nargs="*", help="only these: pagesight, the other checkout's name, RapidOCR, OCRmyPDF")
    parser.add_argument("--ocrmypdf", default=shutil.which("ocrmypdf"), help="its program, where it is not on the path")
    parser.add_argument(
        "--whole",
        nargs="+",
        default=[],
        choices=WHOLES,
        help="index these instead: the kinds together, a PDF of 2,000 pages",
    )
    parser.add_argument("--cores", nargs="+", type=int, default=[1, 2], help="how many, for --whole")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    wanted = parser.parse_args()
    if not wanted.report:
        ROWS.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            for what, folder in folders(wanted, Path(scratch)).items():
                index_whole(wanted, what, folder)
            if not wanted.whole:
                files = make(Path(scratch))
                words = json.loads((Path(scratch) / "words.json").read_text(encoding="utf-8"))
                for _ in range(wanted.rounds):
                    measure(wanted, files, words)
    report([json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()])


if __name__ == "__main__":
    main()
