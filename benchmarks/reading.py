"""Our words of PDF pages beside poppler's: figures in benchmarks/results/reading.json.

    python -m benchmarks.reading sample_docs                           (needs poppler-utils)
    python -m benchmarks.reading FOLDER --worst 20 --per-file 10 --no-write
    python -m benchmarks.reading sample_docs --against ../before       (times of another checkout, page by page in turn)

Recall: share of poppler's words of a page that are ours, each as often as it is there; precision the other way round.
"joined" counts a word that one side has in pieces too: poppler cuts where the baseline moves, so that LaTeX's name is three words
of its, and two of "x2" with a raised 2; where much is set so, this is the figure to look at. Order: share of neighbouring words of poppler's, unique on the page,
that follow each other in ours as well. Boxes: share of such words whose centres lie within each other's boxes. OCR is off.
"""

from __future__ import annotations

import argparse
import html
import re
import statistics
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, write_result
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.page import open_document
from pagesight.storage.errors import DocumentError

MIN_WORDS = 5  # of poppler's: pages with fewer say nothing
RUNS = 3  # of each page, of which the fastest counts
# Chinese characters, kana and Thai are compared one by one: where words end among them is anybody's choice.
_PIECE = re.compile(
    "[\u0e00-\u0eff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\u0e00-\u0eff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]+"
)
_LEADERS = re.compile(r"([^\w\s])\1{3,}")
_PAGE = re.compile(r'<page width="([\d.-]+)" height="([\d.-]+)">(.*?)</page>', re.DOTALL)
_WORD = re.compile(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>')
Box = tuple[float, float, float, float]
Words = list[tuple[str, Box]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAgreement:
    """How one page was read. ``missing``: words of poppler's that are not ours."""

    file: str
    page: int
    n_words: int
    recall: float
    precision: float
    recall_joined: float
    order: float
    boxes: float
    missing: tuple[str, ...]


def plain(word: str) -> str:
    """A word as it is compared: compatibility form, nothing invisible, right-to-left words in the order they are read."""
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in word):
        word = unicodedata.normalize("NFD", "".join(re.findall(r"\d+|\D", word)[::-1]))
    return _seen(word)


def _seen(word: str) -> str:
    """What one sees of a word; rows of dots, as long as they are, are three."""
    word = unicodedata.normalize("NFKC", word)
    word = "".join(c for c in word if unicodedata.category(c) not in ("Cf", "Cc", "Cn", "Co", "Zs", "Mn"))
    return _LEADERS.sub(r"\1\1\1", word)


def poppler_pages(path: Path, last: int) -> list[Words]:
    """Words of the first pages with boxes in page fractions. Raises CalledProcessError, TimeoutExpired."""
    command = ["pdftotext", "-bbox", "-cropbox", "-l", str(last), str(path), "-"]
    found = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode("utf-8", "replace")
    pages = []
    for width, height, body in _PAGE.findall(found):
        scale = (float(width) or 1, float(height) or 1)
        words: Words = []
        for *sides, text in _WORD.findall(body):
            x0, y0, x1, y1 = map(float, sides)
            box = (x0 / scale[0], y0 / scale[1], x1 / scale[0], y1 / scale[1])
            words += [(piece, box) for piece in _PIECE.findall(plain(html.unescape(text)))]
        pages.append([(word, box) for word, box in words if _visible(box)])
    return pages


def _visible(box: Box) -> bool:
    return 0 <= (box[0] + box[2]) / 2 <= 1 and 0 <= (box[1] + box[3]) / 2 <= 1


def ours_plain(texts: Sequence[str], boxes: Any) -> Words:
    """Our words as they are compared. They are in reading order already."""
    words: Words = []
    for text, (x0, y0, x1, y1) in zip(texts, boxes.tolist(), strict=True):
        words += [(piece, (x0, y0, x1, y1)) for piece in _PIECE.findall(_seen(text))]
    return words


def compare(file: str, number: int, theirs: Words, ours: Words) -> PageAgreement:
    """Hold the words of one page against each other."""
    their_count, our_count = Counter(word for word, _ in theirs), Counter(word for word, _ in ours)
    shared = (their_count & our_count).total()
    missing = their_count - our_count
    joined = shared + _pieced(theirs, missing, our_count - their_count)
    unique = {word for word, n in their_count.items() if n == our_count[word] == 1}
    our_at = {word: i for i, word in enumerate(word for word, _ in ours if word in unique)}
    sequence = [our_at[word] for word, _ in theirs if word in unique]
    follows = [b == a + 1 for a, b in pairwise(sequence)]
    our_box = {word: box for word, box in ours if word in unique}
    placed = [_centre_in(box, our_box[word]) for word, box in theirs if word in unique]
    return PageAgreement(
        file=file,
        page=number,
        n_words=len(theirs),
        recall=shared / max(1, len(theirs)),
        precision=shared / max(1, len(ours)),
        recall_joined=joined / max(1, len(theirs)),
        order=statistics.mean(follows) if follows else 1.0,
        boxes=statistics.mean(placed) if placed else 1.0,
        missing=tuple(missing)[:8],
    )


def _pieced(theirs: Words, missing: Counter[str], extra: Counter[str]) -> int:
    """How many missing words are pieces that make up one of ours, or are made up of pieces of ours."""
    ours = "\n".join(extra)
    n_found, run = 0, []  # of words that follow each other
    for word in (*(word if word in missing else "" for word, _ in theirs), ""):
        if word and "".join([*run, word]) in ours:
            run.append(word)
            continue
        n_found += len(run) if len(run) > 1 or len("".join(run)) > 2 else 0
        run = [word] if word and word in ours else []
    return n_found


def _centre_in(box: Box, other: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    slack = 0.003
    return other[0] - slack <= x <= other[2] + slack and other[1] - slack <= y <= other[3] + slack


def read_folder(folders: Sequence[Path], per_file: int) -> Iterator[PageAgreement | str]:
    """Each page of every PDF, or what went wrong with a file."""
    files = sorted({path for folder in folders for path in folder.rglob("*.pdf")})
    for path in files:
        name = str(path)
        try:
            pages = poppler_pages(path, per_file)
        except (subprocess.SubprocessError, OSError) as error:
            yield f"{name}: poppler: {type(error).__name__}"
            continue
        try:
            document = open_document(path, ReadOptions(ocr="off"))
        except DocumentError as error:
            yield f"{name}: {error}"
            continue
        try:
            for number, theirs in enumerate(pages[: document.info.n_pages], start=1):
                if len(theirs) >= MIN_WORDS:
                    words = document.words(number)
                    yield compare(name, number, theirs, ours_plain(words.texts, words.boxes))
        except Exception as error:
            yield f"{name}: {type(error).__name__}: {error}"
        finally:
            document.close()


_TIMER = """
import sys, time
from pathlib import Path
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.page import open_document
for line in sys.stdin:
    path, per_file = line.rstrip("\\n").rsplit("\\t", 1)
    try:
        document = open_document(Path(path), ReadOptions(ocr="off"))
        count = min(document.info.n_pages, int(per_file))
        document.close()
        best = [float("inf")] * count
        for _ in range(RUNS):
            document = open_document(Path(path), ReadOptions(ocr="off"))
            for number in range(1, count + 1):
                began = time.process_time()
                words = document.words(number)
                if len(words) >= MIN_WORDS:
                    best[number - 1] = min(best[number - 1], 1000 * (time.process_time() - began))
            document.close()
        print(" ".join(str(ms) for ms in best if ms < 1e9), flush=True)
    except Exception:
        print("", flush=True)
"""


def time_pages(folders: Sequence[Path], per_file: int, checkouts: Sequence[Path]) -> list[list[float]]:
    """Milliseconds of processor time of each page of text, for each checkout; files in turn, so that both meet the same noise."""
    code = _TIMER.replace("RUNS", str(RUNS)).replace("MIN_WORDS", str(MIN_WORDS))
    timers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(checkout / "src"), "PATH": "/usr/bin:/bin"},
            cwd="/",
        )
        for checkout in checkouts
    ]
    times: list[list[float]] = [[] for _ in checkouts]
    for path in sorted({path for folder in folders for path in folder.rglob("*.pdf")}):
        for timer, found in zip(timers, times, strict=True):
            assert timer.stdin is not None
            assert timer.stdout is not None
            timer.stdin.write(f"{path.absolute()}\t{per_file}\n")
            timer.stdin.flush()
            found.extend(map(float, timer.stdout.readline().split()))
    for timer in timers:
        timer.communicate()
    return times


def shares(values: Sequence[float]) -> dict[str, float]:
    """Mean, median and the low tail."""
    median, p10, p5, p1 = np.percentile(values, [50, 10, 5, 1])
    named = {"mean": statistics.mean(values), "median": median, "p10": p10, "p5": p5, "p1": p1}
    return {name: round(float(value), 4) for name, value in named.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--per-file", type=int, default=10_000, help="pages of a file, at most")
    parser.add_argument("--worst", type=int, default=0, help="print so many pages")
    parser.add_argument("--against", type=Path, help="another checkout, to be timed beside this one")
    parser.add_argument("--no-write", action="store_true", help="print only")
    wanted = parser.parse_args()
    began = time.perf_counter()
    pages, problems = [], []
    for item in read_folder(wanted.folders, wanted.per_file):
        if isinstance(item, PageAgreement):
            pages.append(item)
        else:
            problems.append(item)
    result: dict[str, Any] = {
        "folders": [folder.name for folder in wanted.folders],
        "n_files": len({page.file for page in pages}),
        "n_pages": len(pages),
        "n_problems": len(problems),
        **{
            name: shares([getattr(page, name) for page in pages])
            for name in ("recall", "precision", "recall_joined", "order", "boxes")
        },
    }
    checkouts = [ROOT, *([wanted.against] if wanted.against else [])]
    for name, ms in zip(
        ("ms_a_page", "ms_a_page_before"), time_pages(wanted.folders, wanted.per_file, checkouts), strict=False
    ):
        result[name] = {"median": round(statistics.median(ms), 2), "p95": round(float(np.percentile(ms, 95)), 2)}
    for page in sorted(pages, key=lambda page: (page.recall, page.file))[: wanted.worst]:
        shown = {key: value for key, value in asdict(page).items() if key not in ("n_words", "precision")}
        print(shown, file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    if wanted.no_write:
        print(result)
    else:
        write_result("reading", result)


if __name__ == "__main__":
    main()
