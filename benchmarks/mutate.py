"""Damaged variants of good files, and whether each has an outcome: pages, or an error that is the file's own.

    python -m benchmarks.mutate --variants 10000 sample_docs FOLDER...

Variant i of a set of files is always the same. What has none is printed and kept in --keep.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.formats import EXTENSIONS
from pagesight.indexer.running.reader import PageProblem, PageReader
from pagesight.storage.errors import DocumentError

SEED = 14
MAX_PAGES = 2  # of a variant that are read
OPTIONS = ReadOptions(ocr="off", image_pixels=20_000)
_NUMBER = re.compile(rb"\d+")
_WORDS = (b"-1", b"0", b"2147483648", b"99999999999", b"<<", b"]", b"endobj", b"R", b"\x00" * 8, b"\xff" * 8)


def _spot(data: bytearray, rng: random.Random, longest: int = 2000) -> slice:
    start = rng.randrange(len(data))
    return slice(start, min(len(data), start + rng.randint(1, longest)))


def _cut(data: bytearray, rng: random.Random, _: bytes) -> None:
    del data[rng.randrange(1, len(data)) :]


def _drop(data: bytearray, rng: random.Random, _: bytes) -> None:
    del data[_spot(data, rng)]


def _repeat(data: bytearray, rng: random.Random, _: bytes) -> None:
    spot = _spot(data, rng)
    data[spot.start : spot.start] = data[spot] * rng.randint(1, 5)


def _flip(data: bytearray, rng: random.Random, _: bytes) -> None:
    for _i in range(rng.choice((1, 1, 3, 30))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _noise(data: bytearray, rng: random.Random, _: bytes) -> None:
    spot = _spot(data, rng, 300)
    data[spot] = rng.randbytes(spot.stop - spot.start)


def _number(data: bytearray, rng: random.Random, _: bytes) -> None:
    numbers = list(_NUMBER.finditer(bytes(data[:200_000])))
    if numbers:
        chosen = rng.choice(numbers)
        data[chosen.start() : chosen.end()] = rng.choice(_WORDS)


def _word(data: bytearray, rng: random.Random, _: bytes) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.choice(_WORDS)


def _splice(data: bytearray, rng: random.Random, other: bytes) -> None:
    data[rng.randrange(len(data)) :] = other[rng.randrange(len(other)) :]


def _before(data: bytearray, rng: random.Random, other: bytes) -> None:
    data[0:0] = other[: rng.randint(1, 5000)]


MUTATIONS: tuple[Callable[[bytearray, random.Random, bytes], None], ...] = (
    _cut, _drop, _repeat, _flip, _noise, _number, _word, _splice, _before,
)  # fmt: skip


def variant(sources: Sequence[tuple[str, bytes]], number: int) -> tuple[str, bytes]:
    """(ending, content) of a variant. sources: (ending, content) of good files."""
    rng = random.Random(SEED * 1_000_003 + number)
    ending, content = sources[number % len(sources)]
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if data:
            rng.choice(MUTATIONS)(data, rng, sources[rng.randrange(len(sources))][1])
    return ending, bytes(data)


def outcomes(
    sources: Sequence[tuple[str, bytes]], numbers: Sequence[int], folder: Path, *, seconds: float, n_processes: int = 2
) -> Iterator[tuple[int, str, float]]:
    """(number, what became of it, seconds of the clock) of each variant. Anything but a document's own fault raises."""
    done: SimpleQueue[tuple[int, str, float] | BaseException] = SimpleQueue()

    def read_some(some: Sequence[int]) -> None:
        try:
            with PageReader(OPTIONS, n_processes=1, seconds_per_page=seconds) as reader:
                for number in some:
                    done.put((number, *_outcome(reader, variant(sources, number), folder / str(number))))
        except BaseException as error:  # for who waits
            done.put(error)

    with ThreadPoolExecutor(n_processes) as threads:
        for first in range(n_processes):
            threads.submit(read_some, numbers[first::n_processes])
        for _ in numbers:
            found = done.get()
            if isinstance(found, BaseException):
                raise found
            yield found


def _outcome(reader: PageReader, content: tuple[str, bytes], place: Path) -> tuple[str, float]:
    path = place.with_suffix(content[0])
    path.write_bytes(content[1])
    began = time.monotonic()
    try:
        opened = reader.open(path).result()
        pages = reader.read(path, 1, min(MAX_PAGES, opened.n_pages)).result()
        bad = sum(isinstance(page, PageProblem) for page in pages)
        assert all(isinstance(page, PageContent | PageProblem) for page in pages)
        what = "read" if not bad else "some pages" if bad < len(pages) else "no page"
    except DocumentError as error:
        what = type(error).__name__
    path.unlink()
    return what, time.monotonic() - began


def good_files(folders: Sequence[Path], max_bytes: int = 2_000_000) -> list[tuple[str, bytes]]:
    """Of these folders, those that are not large, in the order of their names."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    return [
        (path.suffix.lower(), path.read_bytes())
        for path in paths
        if path.is_file() and 0 < path.stat().st_size <= max_bytes
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--variants", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--keep", type=Path, help="folder for variants that crash or stall the reading process")
    given = parser.parse_args()
    sources, seen, slowest = good_files(given.folders), Counter[str](), 0.0
    print(f"{len(sources)} good files")
    with tempfile.TemporaryDirectory() as folder:
        numbers = range(given.first, given.first + given.variants)
        for number, what, seconds in outcomes(sources, numbers, Path(folder), seconds=given.seconds):
            seen[what] += 1
            slowest = max(slowest, seconds)
            if what in ("ReaderCrashed", "ReaderStalled"):
                ending, content = variant(sources, number)
                print(f"variant {number} ({ending}): {what}, {seconds:.1f} s", flush=True)
                if given.keep:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (given.keep / f"{number}{ending}").write_bytes(content)
    total = sum(seen.values())
    assert total == given.variants
    print(f"{total} variants: {dict(seen.most_common())}; slowest {slowest:.1f} s")


if __name__ == "__main__":
    main()
