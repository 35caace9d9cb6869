"""Run by benchmarks.pages in a process of its own, for any checkout: processor time of each stage of each file.

Reads lines "file", writes lines of JSON: {"pages": 4, "cpu": {"open": 0.1, ...}, "wall": 1.2, "words": [[...], ...], "peak_mb": 500}.
It touches only what every checkout has, and finds by name what has moved.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

STAGES = ("open", "words", "render", "detect", "recognise", "encode", "pool", "write")
# (stage, module, class or "", function): the first of a stage that exists; what it calls of others is theirs.
PLACES = (
    ("words", "indexer.reading.page", "", "read_page"),
    ("render", "indexer.reading.pdf", "PdfDocument", "render"),
    ("detect", "indexer.reading.detection", "LineFinder", "find"),
    ("detect", "indexer.reading.ocr", "RapidOcr", "_detect"),
    ("recognise", "indexer.reading.ocr", "RapidOcr", "_recognise"),
    ("pool", "storage.packed", "", "pack_means"),
    ("pool", "storage.vectors.vector_files", "", "pack_means"),
)


class Clock:
    """Processor time by stage; a stage within another stops the outer one."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._running = [""]
        self._since = time.process_time()

    def _turn(self) -> None:
        now = time.process_time()
        self.spent[self._running[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any, **named: Any) -> Any:
            self._turn()
            self._running.append(stage)
            try:
                return work(*given, **named)
            finally:
                self._turn()
                self._running.pop()

        return measured

    def watch(self) -> None:
        """Time what is listed in PLACES."""
        for stage, module, owner, name in PLACES:
            try:
                place = import_module(f"pagesight.{module}")
            except ImportError:
                continue
            place = getattr(place, owner) if owner else place
            if hasattr(place, name):
                setattr(place, name, self.timed(stage, getattr(place, name)))


def main() -> None:
    from pagesight.engine.config import DEFAULT_MODEL
    from pagesight.engine.models import load_model
    from pagesight.indexer.reading import page as reading
    from pagesight.storage.manifest import Space
    from pagesight.storage.store import Store

    clock = Clock()
    clock.watch()
    from pagesight.engine.config import ModelConfig

    encoder: Any = load_model(DEFAULT_MODEL, ModelConfig())
    space = Space(
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        single_dim=encoder.single_dim,
        token_dim=encoder.token_dim,
    )
    with tempfile.TemporaryDirectory() as scratch, Store.create(Path(scratch) / "index", space).writer() as writer:
        for number, line in enumerate(sys.stdin):
            clock.spent.clear()
            began = time.perf_counter()
            pages = _one_file(Path(line.rstrip("\n")), number, clock, reading, encoder, writer)
            answer = {
                "pages": len(pages),
                "cpu": {stage: clock.spent[stage] for stage in STAGES},
                "wall": time.perf_counter() - began,
                "words": [list(page.words.texts) for page in pages],
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            print(json.dumps(answer), flush=True)


def _one_file(path: Path, number: int, clock: Clock, reading: Any, encoder: Any, writer: Any) -> list[Any]:
    from pagesight.indexer.content import ReadOptions
    from pagesight.storage.values import DocumentInfo, NewPage, SourceFile

    options = ReadOptions()
    document = clock.timed("open", reading.open_document)(path, options)
    try:
        pages = [reading.read_page(document, i, options) for i in range(1, document.info.n_pages + 1)]
    finally:
        document.close()
    encoded = clock.timed("encode", encoder.encode_pages)(pages)
    source = SourceFile(root=path.parent, path=f"{number}.pdf", location=path, n_bytes=0, mtime_ns=number)
    info = DocumentInfo(sha256=f"{number:064x}", media_type=document.info.media_type, n_pages=len(pages))

    def write() -> None:
        with writer.draft() as draft:
            for page, vectors in zip(pages, encoded, strict=True):
                draft.add_page(
                    NewPage(
                        number=page.number,
                        width_pt=page.width_pt,
                        height_pt=page.height_pt,
                        text_source=page.text_source,
                        words=page.words,
                        encoded=vectors,
                    )
                )
            draft.commit(info, source)

    clock.timed("write", write)()
    return pages


if __name__ == "__main__":
    main()
