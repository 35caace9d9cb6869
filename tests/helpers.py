"""Making documents and pages for tests, and running the command line as a user does."""

from __future__ import annotations

import hashlib
import random
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from pagesight.engine.models.hashing import HashingEncoder
from pagesight.indexer.content import PageContent
from pagesight.storage.manifest import Space
from pagesight.storage.values import DocumentInfo, NewPage, PageWords, SeenPicture, SourceFile
from tests.forked import run_forked

ROOT = Path(__file__).parents[1]
HASHING = HashingEncoder()


def space(codec: str = "int8", pool_factor: int = 1) -> Space:
    """Of an index made with the toy encoder."""
    return Space(
        encoder=HASHING.name,
        fingerprint=HASHING.fingerprint,
        single_dim=HASHING.single_dim,
        token_dim=HASHING.token_dim,
        codec=codec,
        pool_factor=pool_factor,
    )


def words(text: str) -> PageWords:
    """Words of a text on one line across the page."""
    texts = tuple(text.split())
    edges = np.linspace(0, 1, len(texts) + 1)
    boxes = [(x0, 0.1, x1, 0.15) for x0, x1 in zip(edges, edges[1:], strict=False)]
    return PageWords(texts, np.array(boxes, np.float32).reshape(-1, 4))


def new_page(number: int, text: str) -> NewPage:
    """A page as the pipeline would store it; a red one has a chart."""
    content = PageContent(number=number, width_pt=595, height_pt=842, words=words(text), text_source="text")
    (encoded,) = HASHING.encode_pages([content])
    source = "text" if text else "none"
    chart = SeenPicture(kind="bar chart", family="chart", box=(0.0, 0.0, 1.0, 1.0), sure=0.875)
    return NewPage(
        number=number,
        width_pt=595,
        height_pt=842,
        text_source=source,
        words=content.words,
        encoded=encoded,
        pictures=(chart,) if "red" in text.split() else (),
    )


def source_file(name: str, root: Path = Path("/docs")) -> SourceFile:
    """A file that need not exist."""
    return SourceFile(root=root, path=name, location=root / name, n_bytes=len(name), mtime_ns=1)


def add_document(
    writer,
    name: str,
    pages: Sequence[str],
    *,
    content: str | None = None,
    root: Path = Path("/docs"),
    kind: str = "pdf",
) -> str:
    """Store a document with these page texts; its SHA-256 follows from ``content`` or from the texts."""
    data = (content if content is not None else "\f".join(pages)).encode()
    sha256 = hashlib.sha256(data).hexdigest()
    with writer.draft() as draft:
        for number, text in enumerate(pages, start=1):
            draft.add_page(new_page(number, text))
        info = DocumentInfo(
            sha256=sha256, media_type="application/pdf", kind=kind, n_pages=len(pages), date="2024-05-17"
        )
        draft.commit(info, replace(source_file(name, root), n_bytes=len(data)))  # equal content is equally long
    return sha256


def make_pdf(path: Path, pages: Sequence[str], **save: object) -> Path:
    """A PDF whose pages show these texts."""
    import pymupdf

    document = pymupdf.open()
    for text in pages:
        page = document.new_page(width=595, height=842)
        page.insert_textbox(pymupdf.Rect(50, 50, 545, 800), text, fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(path, **save)
    document.close()
    return path


def text_image(text: str, size: tuple[int, int] = (1000, 400), font_px: int = 40):
    """A picture of a text, black on white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).multiline_text((30, 30), text, fill="black", font=ImageFont.load_default(font_px))
    return image


def run_cli(*arguments: object, cwd: Path | None = None, check: bool = False, **environment: str):
    """Run ``pagesight`` in a process of its own; from the start of Python where ``environment`` is given."""
    import os

    words = [str(argument) for argument in arguments]
    if environment:
        result = subprocess.run(
            [sys.executable, "-m", "pagesight", *words],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            timeout=300,
        )
    else:
        result = run_forked(words, cwd=cwd, timeout_s=300)
    if check:
        result.check_returncode()
    return result


def free_port() -> int:
    """For a program that is to listen there soon, and again: none that the system gives to others, such as their connections."""
    try:
        first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        first_given = 32_768
    while True:
        port = random.SystemRandom().randrange(10_000, first_given) if first_given > 20_000 else 0
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return int(tried.getsockname()[1])


def reading_processes():
    """Those of this process that live, by their numbers."""
    import psutil

    found = {}
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):  # it is just ending
            if "pagesight.indexer.reading.worker" in " ".join(child.cmdline()):
                found[child.pid] = child
    return found


def damage_table(database, name):
    """Overwrite the first page of a table where it lies, which the schema before it does not show."""
    with closing(sqlite3.connect(database)) as connection:
        (first,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((first - 1) * size)
        file.write(bytes(range(256)) * (size // 256))
