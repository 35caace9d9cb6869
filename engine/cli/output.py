"""All printing: tables and JSON on stdout, progress and problems on stderr."""

from __future__ import annotations

import codecs
import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from pagesight.storage.names import nfc, path_text, printable

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from pagesight.engine.time_left import TimeLeft
    from pagesight.indexer.running.pipeline import PageDone
    from pagesight.indexer.running.plan import Outcome

WIDTH_WITHOUT_TERMINAL = 120


def echo(text: str) -> None:
    """A line on stdout."""
    click.echo(text, file=sys.stdout)  # left to itself, click writes UTF-8 where the stream says ASCII


def echo_error(text: str) -> None:
    """A line on stderr; what a file's name has put into it cannot move the cursor."""
    shown = "".join(c if c.isprintable() or c == "\n" else printable(c) for c in nfc(text))
    click.echo(shown, file=sys.stderr)


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        echo_error(f"note: {record.getMessage()}")


def tell_notes(logger: str) -> None:
    """Let what this part of the library logs be said on stderr: what takes long, and nobody asked for by itself."""
    found = logging.getLogger(logger)
    found.setLevel(logging.INFO)
    if not any(isinstance(handler, _Notes) for handler in found.handlers):
        found.addHandler(_Notes())


def echo_json(value: object) -> None:
    """A line of JSON on stdout, in ASCII where the stream is not UTF-8."""
    utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    echo(json.dumps(_for_json(value), ensure_ascii=not utf8, allow_nan=False))


def _for_json(value: object) -> object:
    """Paths that open their files where they are text, no text that is none in UTF-8, and null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _for_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return path_text(value)
    if isinstance(value, str):
        return nfc(value) if any("\ud800" <= c <= "\udfff" for c in value) else value
    return value


def console() -> Console:
    """For results: stdout, as wide as the terminal or $COLUMNS says. Colour only on a terminal, and not with NO_COLOR."""
    from rich.console import Console

    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(width=None if known else WIDTH_WITHOUT_TERMINAL, highlight=False, markup=False)


def error_console() -> Console:
    """For progress and problems: stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """3 pages, 1 page."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """4.2 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def size(n_bytes: float) -> str:
    """1.2 MB, as disks are sold: 1 kB is 1,000 bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


class IndexProgress:
    """The bar of an indexing run on a terminal; elsewhere a line a file. Everything on stderr."""

    def __init__(self, waiting: Callable[[], Mapping[Path, int]], *, quiet: bool, bar: bool = True) -> None:
        """waiting: gives the files that are to be read, with their sizes in bytes; asked only where a bar is shown."""
        self._console = error_console()
        self._quiet, self._bar_shown = quiet, bar and not quiet and sys.stderr.isatty()
        self._n_pages = 0
        self._bytes_done = 0
        if self._bar_shown:
            self._start_bar(waiting())

    def _start_bar(self, waiting: Mapping[Path, int]) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        from pagesight.engine.time_left import RunClock

        self._waiting, self._clock = waiting, RunClock(waiting, time.monotonic())
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[pages]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=max(sum(waiting.values()), 1), pages="")

    def page_done(self, done: PageDone) -> None:
        """A page is encoded."""
        self._n_pages += 1
        if self._bar_shown:
            source, now = done.source, time.monotonic()
            self._clock.page_done(source.location, done.number, done.n_pages, by_ocr=done.by_ocr, now=now)
            part = self._waiting.get(source.location, 0) * done.number / done.n_pages
            self._update(self._bytes_done + part, _short(source.path), now)

    def file_done(self, outcome: Outcome) -> None:
        """A file is finished, one way or the other."""
        if self._bar_shown:
            source, now = outcome.source, time.monotonic()
            self._bytes_done += self._waiting.get(source.location, 0)
            self._clock.file_done(source.location, source.n_bytes, outcome.n_pages, now=now)
            self._update(self._bytes_done, _short(source.path), now)
        line = f"{outcome.status}: {outcome.source.path}"
        if outcome.status in ("failed", "skipped"):
            style = "red" if outcome.status == "failed" else "yellow"
            self._console.print(f"{line}: {outcome.reason}{_remedy(outcome)}", style=style)
        elif not self._quiet and not self._bar_shown and outcome.status not in ("unchanged", "elsewhere"):
            self._console.print(f"{line} ({count(outcome.n_pages, 'page')})" if outcome.n_pages else line)
        for note in outcome.notes:
            self._console.print(f"note: {outcome.source.path}: {note}", style="yellow")
        for problem in outcome.page_problems:
            self._console.print(
                f"failed: {outcome.source.path} page {problem.number}: {problem.reason}{page_remedy(problem.reason)}",
                style="red",
            )

    def _update(self, completed: float, description: str, now: float) -> None:
        elapsed = self._bar.tasks[0].elapsed or 0
        rate = f", {self._n_pages / elapsed:.1f} pages/s" if elapsed > 1 else ""
        pages = f"{count(self._n_pages, 'page')}{rate}{_left(self._clock.left(now))}"
        self._bar.update(self._task, completed=completed, description=description, pages=pages)

    def __enter__(self) -> Self:
        if self._bar_shown:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar_shown:
            self._bar.stop()


def page_remedy(reason: str) -> str:
    """The same, for a page or what is remembered of a file."""
    from pagesight.indexer.running.patience import is_time_limit

    return " (see --page-timeout of index)" if is_time_limit(reason) else ""


def _remedy(outcome: Outcome) -> str:
    """What the command line has for this failure."""
    from pagesight.indexer.formats import program_for
    from pagesight.indexer.running.patience import is_time_limit
    from pagesight.indexer.running.plan import NOT_TRIED

    if outcome.needs_password:  # which only our own readers can be given
        return "" if program_for(outcome.source.location.suffix.lower()) else " (see --password)"
    not_tried = outcome.reason.endswith(NOT_TRIED)
    if is_time_limit(outcome.reason):
        return f" (see --page-timeout{' and --retry' if not_tried else ''})"
    return " (see --retry)" if not_tried else ""


def sizes(paths: Sequence[Path]) -> dict[Path, int]:
    """Of all files below these paths that can be read."""
    from pagesight.indexer.running.discover import Unusable, discover

    return {found.location: found.n_bytes for found in discover(paths) if not isinstance(found, Unusable)}


def _left(left: TimeLeft | None) -> str:
    """, about 12 min left, 9 min of it for OCR."""
    if left is None:
        return ""
    of_it = f", {_about(left.by_ocr)} of it for OCR" if left.by_ocr >= max(1, left.seconds / 10) else ""
    return f", about {_about(left.seconds)} left{of_it}"


def _about(seconds: float) -> str:
    """No more figures than an estimate has: 40 s, 12 min, 2 h 05 min."""
    if seconds < 60:
        return f"{max(1, round(seconds, -1 if seconds >= 10 else 0)):.0f} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else duration(seconds)


def _short(path: str, room: int = 36) -> str:
    """The end of a path, which says more than its beginning."""
    return (path if len(path) <= room else "…" + path[-room + 1 :]).ljust(room)
