"""``pagesight index``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagesight.engine.cli.hints import PROGRAMS
from pagesight.engine.cli.options import index_option, manners_options, model_options, open_engine
from pagesight.engine.cli.output import (
    IndexProgress,
    count,
    duration,
    echo,
    echo_error,
    echo_json,
    error_console,
    size,
)
from pagesight.engine.config import IndexConfig, ModelConfig
from pagesight.engine.models.on_torch.budgets import BUDGETS
from pagesight.indexer.formats import TEXT_EXTENSIONS, program_for
from pagesight.indexer.modes import OCR_MODES
from pagesight.storage.codecs import CODECS, DEFAULT_CODEC, DEFAULT_POOL_FACTOR, MAX_POOL_FACTOR
from pagesight.storage.names import nfc, printable

if TYPE_CHECKING:
    from pagesight.engine.estimate import Estimate
    from pagesight.indexer.running.plan import Outcome


DEFAULTS = IndexConfig()
MOST_ENDINGS = 12  # of one line about files that were passed over


def parse_tags(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    tags = {}
    for value in values:
        name, equals, content = value.partition("=")
        if not (name and equals and content):
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        tags[name] = content
    return tags


def _pixels(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None or value in BUDGETS:
        return BUDGETS[value] if value else None
    if not value.replace("_", "").isdigit():
        raise click.BadParameter(f"{value!r} is neither {' nor '.join(BUDGETS)} nor a number of pixels")
    return int(value)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@index_option
@model_options
@click.option("--task", metavar="NAME", help="Adapter of a new index's model.  [default: retrieval]")
@click.option("--single-dim", type=click.IntRange(1), help="Cut single vectors to this, where the model allows it.")
@click.option(
    "--image-budget", callback=_pixels, metavar="NAME|PIXELS", help=f"Of a page: {', '.join(BUDGETS)}, or pixels."
)
@click.option("--sight", is_flag=True, help="See what kinds of pictures pages have, in a new index.")
@click.option("--batch-tokens", type=click.IntRange(1), help="Tokens the model reads at once.")
@click.option("--compile", "compiled", is_flag=True, help="Let torch compile the model: a minute first, then faster.")
@click.option(
    "--codec", metavar="NAME", help=f"Token codec of a new index: {', '.join(CODECS)}.  [default: {DEFAULT_CODEC}]"
)
@click.option(
    "--pool-factor",
    type=click.IntRange(1, MAX_POOL_FACTOR),
    metavar="N",
    help=f"Store one token vector for N of a page, in a new index.  [default: {DEFAULT_POOL_FACTOR}]",
)
@click.option(
    "--ocr",
    type=click.Choice(OCR_MODES),
    help="Reading of pixels.  [default: auto; off if the model sees pages itself]",
)
@click.option("--text", is_flag=True, help="Read text files and code in folders too.")
@click.option("--password", help="Tried on encrypted files.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    type=nfc,
    callback=parse_tags,
    metavar="NAME=VALUE",
    help="Tag the documents, for filters.",
)
@click.option("--prune", is_flag=True, help="Drop files of PATHS that are gone.")
@click.option("--retry", is_flag=True, help="Try again what could not be read before.")
@click.option("--rehash", is_flag=True, help="Compare contents even where size and time are the same.")
@click.option("--reindex", is_flag=True, help="Read and encode everything again.")
@manners_options(DEFAULTS.nice)
@click.option(
    "--processes", type=click.IntRange(1, 64), help="Reading processes.  [default: --jobs, or one a core, at most 8]"
)
@click.option(
    "--page-timeout",
    type=click.FloatRange(1),
    default=DEFAULTS.seconds_per_page,
    show_default=True,
    help="Seconds of processor time a page may take to read.",
)
@click.option("--dry-run", is_flag=True, help="Only say what there is to do, and what it will cost.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what failed.")
def index(
    paths: tuple[Path, ...],
    index_dir: Path | str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    task: str | None,
    single_dim: int | None,
    image_budget: int | None,
    sight: bool,
    batch_tokens: int | None,
    compiled: bool,
    codec: str | None,
    pool_factor: int | None,
    ocr: str | None,
    text: bool,
    password: str | None,
    tags: dict[str, str],
    prune: bool,
    retry: bool,
    rehash: bool,
    reindex: bool,
    jobs: int | None,
    nice: int,
    processes: int | None,
    page_timeout: float,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make or update the index of files and folders.

    Files that have not changed are passed over, so the same command brings an index up to date. PDF, images,
    e-books, mail and HTML are read, Office files where LibreOffice is installed, and with --text also text and code, in
    pages of sixty lines.

    \b
    pagesight index ~/Documents
    pagesight index reports --tag customer=acme --prune
    pagesight index slides --model jina-embeddings-v4 --image-budget paper
    """
    settings = ModelConfig(
        task=task,
        single_dim=single_dim,
        image_pixels=image_budget,
        sight=sight,
        device=device,
        dtype=dtype,
        batch_tokens=batch_tokens,
        compile=compiled,
        offline=offline,
    )
    config = IndexConfig(
        password=password,
        ocr=ocr,  # type: ignore[arg-type]  # click has checked that it is an OcrMode
        text=text,
        seconds_per_page=page_timeout,
        reindex=reindex,
        retry=retry,
        rehash=rehash,
        prune=prune,
        tags=tags,
        nice=nice,
        **({} if (n_processes := processes or jobs) is None else {"n_processes": n_processes}),
    )
    if dry_run:
        with open_engine(index_dir, model=model, settings=settings, codec=codec, pool_factor=pool_factor) as engine:
            return _print_estimate(engine.estimate(paths, config), as_json=as_json, quiet=quiet)
    seen: Counter[str] = Counter()
    passed_over: Counter[str] = Counter()
    n_pages, bad_pages, began = 0, 0, time.monotonic()
    with (
        open_engine(index_dir, model=model, settings=settings, codec=codec, pool_factor=pool_factor) as engine,
        IndexProgress(lambda: engine.waiting(paths, config), quiet=quiet or as_json) as progress,
    ):
        for outcome in engine.iter_index(paths, config, on_page=progress.page_done, passed_over=passed_over):
            seen[outcome.status] += 1
            n_pages += outcome.n_pages
            bad_pages += len(outcome.page_problems)
            if as_json:
                echo_json(as_dict(outcome))
            progress.file_done(outcome)
        address = engine.address
        if n_pages and not engine.encoder.trained_single and not quiet:
            note = "this model has no trained single vector: candidates are chosen by the mean of the token vectors"
            error_console().print(
                f"{note}; search with more --candidates, or --exact, if pages are missed", style="dim"
            )
    seconds = time.monotonic() - began
    if not (quiet or as_json):
        echo(_summary(seen, n_pages, seconds))
        echo(f"index: {printable(address)}")
    if not quiet:
        _print_passed_over(passed_over)
    if not seen:
        if quiet or as_json:
            echo_error("no files to index")
        return 1
    if seen["failed"] or bad_pages:
        error_console().print("some files or pages could not be read; see: pagesight failures", style="yellow")
        return 1
    return 0


def _print_passed_over(passed_over: Mapping[str, int]) -> None:
    for line in passed_over_lines(passed_over):
        error_console().print(line, style="yellow")


def passed_over_lines(passed_over: Mapping[str, int]) -> list[str]:
    """How many files of which endings were not looked into, and what would read them; a line a remedy."""
    by_remedy: dict[str, list[str]] = {}
    for extension, number in sorted(passed_over.items(), key=lambda item: (-item[1], item[0])):
        program = program_for(extension)
        if extension in TEXT_EXTENSIONS:
            remedy = "--text reads text and code"
        elif program:
            remedy = f"read where {PROGRAMS[program]}"
        else:
            remedy = "no reader for these; those that a PDF can be made of are read as PDF"
        by_remedy.setdefault(remedy, []).append(f"{number:,} {printable(extension) or 'without an ending'}")
    return [
        f"passed over: {', '.join(kinds[:MOST_ENDINGS])}{', ...' if len(kinds) > MOST_ENDINGS else ''} ({remedy})"
        for remedy, kinds in by_remedy.items()
    ]


def _print_estimate(estimate: Estimate, *, as_json: bool, quiet: bool) -> int:
    if not quiet:
        _print_passed_over(estimate.passed_over)
    if as_json:
        echo_json(asdict(estimate))
        return 0
    unreadable = f" ({estimate.n_unreadable} cannot be read)" if estimate.n_unreadable else ""
    echo(f"{count(estimate.n_files, 'file')} to read{unreadable}, {count(estimate.n_pages, 'page')}")
    if estimate.seconds is None:
        return 0
    about = "" if estimate.exact else "about "
    each = f"{round(estimate.n_vectors / estimate.n_pages)} a page"
    echo(f"{about}{estimate.n_vectors:,} token vectors ({each}), {about}{size(estimate.n_bytes)} on disk")
    tried = f"{estimate.seconds / estimate.n_pages:.2f} s a page, {count(estimate.n_tried, 'page')} tried"
    echo(f"about {duration(estimate.seconds)} on this machine ({tried})")
    return 0


def as_dict(outcome: Outcome) -> dict[str, object]:
    return {
        "document": outcome.source.path,
        "path": outcome.source.location,
        "status": str(outcome.status),
        "pages": outcome.n_pages,
        "reason": outcome.reason,
        "notes": list(outcome.notes),
        "failed_pages": [{"page": problem.number, "reason": problem.reason} for problem in outcome.page_problems],
    }


def _summary(seen: Counter[str], n_pages: int, seconds: float) -> str:
    """For example: 14 files indexed (82 pages, 2.1 pages/s, 39 s), 2 unchanged, 1 failed."""
    parts: list[str] = []
    for status, number in seen.items():
        if status == "indexed":
            parts.insert(
                0,
                f"{count(number, 'file')} indexed ({count(n_pages, 'page')}, {n_pages / seconds:.1f} pages/s, {duration(seconds)})",
            )
        elif status == "gone":
            parts.append(f"{number} gone from the disk (--prune drops them)")
        else:
            parts.append(f"{number} {status}")
    return ", ".join(parts) if parts else "no files to index"


COMMANDS = [index]
