"""Run by benchmarks.pages in a process of its own: what others make of the same files, with the answers of stages.py.

rapidocr            RapidOCR as it comes, on pages drawn at 200 dpi, one thread
ocrmypdf PROGRAM    Tesseract through OCRmyPDF, English, one job and one thread; pages with a text layer are left as they are
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf

Tool = Callable[[Path], list[list[str]]]
DPI = 200


def rapidocr() -> Tool:
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{name}_op_num_threads": 1 for name in ("intra", "inter")}
    engine = RapidOCR(params={"Global.log_level": "critical", **threads})

    def read(path: Path) -> list[list[str]]:
        pages = []
        with pymupdf.open(path) as document:
            for page in document:
                drawn = page.get_pixmap(dpi=DPI, alpha=False)
                image = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.width, 3)[:, :, ::-1]
                pages.append([word for line in engine(image).txts or () for word in line.split()])
        return pages

    return read


def ocrmypdf(program: str) -> Tool:
    def read(path: Path) -> list[list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "made.pdf"
            options = ["--language", "eng", "--output-type", "pdf", "--jobs", "1", "--optimize", "0", "--skip-text"]
            command = [program, *options, str(path), str(made)]
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
            with pymupdf.open(made) as document:
                return [[word[4] for word in page.get_text("words")] for page in document]

    return read


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    tool = rapidocr() if sys.argv[1] == "rapidocr" else ocrmypdf(sys.argv[2])
    for line in sys.stdin:
        began, cpu_began = time.perf_counter(), cpu_s()
        words = tool(Path(line.rstrip("\n")))
        used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        answer = {
            "pages": len(words),
            "cpu": {"all": cpu_s() - cpu_began},
            "wall": time.perf_counter() - began,
            "words": words,
            "peak_mb": max(used) // 1024,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
