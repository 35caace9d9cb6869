"""``pagesight queue, worker, jobs``: many workers for one index in a database."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagesight.engine.cli.index import as_dict, parse_tags, passed_over_lines
from pagesight.engine.cli.options import index_option, model_options, open_engine
from pagesight.engine.cli.output import IndexProgress, count, duration, echo, echo_error, echo_json, error_console, size
from pagesight.engine.config import IndexConfig, ModelConfig
from pagesight.indexer.modes import OCR_MODES
from pagesight.storage.names import nfc, printable

if TYPE_CHECKING:
    from pagesight.engine.working.worker import WorkConfig
    from pagesight.indexer.running.discover import Unusable
    from pagesight.indexer.running.plan import Outcome
    from pagesight.storage.jobs import JobCounts


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@index_option
@model_options
@click.option("--text", is_flag=True, help="Text files and code in folders too.")
@click.option(
    "--tag", "tags", multiple=True, type=nfc, callback=parse_tags, metavar="NAME=VALUE", help="Tag the documents."
)
@click.option("--again", is_flag=True, help="Also files that are done and have not changed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def queue(
    paths: tuple[Path, ...],
    index_dir: Path | str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    text: bool,
    tags: dict[str, str],
    again: bool,
    as_json: bool,
) -> int:
    """Let files wait for workers (pagesight worker), on this machine or others that see them under the same names.

    The index is in a database; it is made if there is none yet.

    \b
    pagesight queue /mnt/archive --index postgresql://host/db
    """
    from pagesight.engine.working.queue import queue_files

    passed_over: Counter[str] = Counter()
    unusable: list[Unusable] = []
    settings = ModelConfig(device=device, dtype=dtype, offline=offline)
    with open_engine(index_dir, model=model, settings=settings) as engine:
        queued = queue_files(
            engine.made(),
            paths,
            IndexConfig(text=text, tags=tags),
            again=again,
            passed_over=passed_over,
            unusable=unusable,
        )
    for found in unusable:
        error_console().print(f"left out: {printable(found.source.path)}: {found.reason}", style="yellow")
    for line in passed_over_lines(passed_over):
        error_console().print(line, style="yellow")
    if as_json:
        echo_json({**asdict(queued), "left_out": len(unusable)})
    else:
        there = f", {count(queued.n_there, 'file')} there already" if queued.n_there else ""
        echo(f"{count(queued.n_new, 'file')} queued{there}")
    return 0 if queued.n_new or queued.n_there else 1


@click.command()
@index_option
@model_options
@click.option("--ocr", type=click.Choice(OCR_MODES), help="As for index.")
@click.option("--password", help="Tried on encrypted files.")
@click.option("--processes", type=click.IntRange(1, 64), help="Reading processes.  [default: one a core, at most 8]")
@click.option("--page-timeout", type=click.FloatRange(1), default=IndexConfig().seconds_per_page, show_default=True,
              help="Seconds of processor time a page may take to read.")  # fmt: skip
@click.option("--until-empty", is_flag=True, help="End when all that was queued is finished.")
@click.option("--ray", metavar="ADDRESS|auto", help="Let a Ray cluster place workers and start them again.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="How many, with --ray.")
@click.option(
    "--gpus", type=click.FloatRange(0), default=0.0, show_default=True, help="Of each, with --ray: 0.5 is half."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what failed.")
def worker(
    index_dir: Path | str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    ocr: str | None,
    password: str | None,
    processes: int | None,
    page_timeout: float,
    until_empty: bool,
    ray: str | None,
    workers: int,
    gpus: float,
    as_json: bool,
    quiet: bool,
) -> int:
    """Index files that were queued, until stopped.

    As many as you like may work at once, on any machines. If one ends, whatever way, others take its files after a minute;
    a file that ended three is given up.

    \b
    pagesight worker --index postgresql://host/db --device cuda:0
    pagesight worker --index postgresql://host/db --ray auto --workers 8 --gpus 0.5
    """
    from pagesight.engine.working.worker import WorkConfig, Worker

    if ray is None and (workers, gpus) != (1, 0.0):
        raise click.UsageError("--workers and --gpus go with --ray; else start this command as often as you like")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    config = IndexConfig(
        ocr=ocr,  # type: ignore[arg-type]  # click has checked that it is an OcrMode
        password=password,
        seconds_per_page=page_timeout,
        n_processes=processes or IndexConfig().n_processes,
    )
    settings, work = ModelConfig(device=device, dtype=dtype, offline=offline), WorkConfig(until_empty=until_empty)
    if ray is not None:
        return _on_ray(index_dir, model, settings, config, work, ray, workers, gpus)
    progress = IndexProgress(dict, quiet=quiet or as_json, bar=False)

    def report(outcome: Outcome) -> None:
        if as_json:
            echo_json(as_dict(outcome))
        progress.file_done(outcome)

    with open_engine(index_dir, model=model, settings=settings) as engine:
        here = Worker(
            engine.store,
            engine.encoder,
            config,
            work,
            on_outcome=report,
            on_note=lambda text: echo_error(f"note: {text}"),
        )
        if not quiet:
            echo_error(f"worker {here.name}: {printable(engine.address)}")
        done = here.run(stop)
    return 1 if done["failed"] else 0


def _on_ray(
    index_dir: Path | str | None,
    model: str | None,
    settings: ModelConfig,
    config: IndexConfig,
    work: WorkConfig,
    ray: str,
    workers: int,
    gpus: float,
) -> int:
    from pagesight.engine.working.on_ray import Placement, run_on_ray

    place = index_dir or click.get_current_context().find_root().obj
    if not isinstance(place, str):
        raise click.UsageError("workers on other machines need an index in a database: --index postgresql://...")
    done = run_on_ray(place, model, settings, config, work, Placement(address=ray, n_workers=workers, gpus=gpus))
    echo(", ".join(f"{n:,} {status}" for status, n in done.items()) or "nothing was waiting")
    return 1 if done["failed"] else 0


@click.command()
@index_option
@click.option("--failed", is_flag=True, help="List files that gave no document, and why.")
@click.option("--retry", is_flag=True, help="Let those wait anew.")
@click.option("--forget", is_flag=True, help="Drop what is kept of files that are done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def jobs(index_dir: Path | str | None, failed: bool, retry: bool, forget: bool, as_json: bool) -> int:
    """How far workers are.

    \b
    pagesight jobs --index postgresql://host/db
    """
    from pagesight.engine.working.queue import jobs_of

    with open_engine(index_dir) as engine:
        table = jobs_of(engine.store)
        if retry:
            echo(f"{count(table.retry(), 'file')} waiting anew")
        if forget:
            echo(f"{count(table.forget_done(), 'job')} forgotten")
        if retry or forget:
            return 0
        if failed:
            ended = table.failures()
            for one in ended:
                if as_json:
                    echo_json(asdict(one))
                else:
                    echo(f"{one.state}: {printable(one.path)}: {one.reason}")
            return 0
        counts = table.counts()
    if as_json:
        echo_json(asdict(counts))
    else:
        _print_counts(counts)
    return 0


def _print_counts(counts: JobCounts) -> None:
    parts = [f"{counts.n_waiting:,} waiting", f"{counts.n_leased:,} worked on", f"{counts.n_done:,} done"]
    parts += [f"{counts.n_failed:,} failed"] if counts.n_failed else []
    parts += [f"{counts.n_given_up:,} given up"] if counts.n_given_up else []
    echo(", ".join(parts) + f" ({count(counts.n_pages, 'page')})")
    if counts.n_open:
        rate = f", {counts.pages_an_hour:,.0f} pages an hour lately" if counts.pages_an_hour else ""
        echo(f"{size(counts.n_bytes_left)} left{rate}")
    for one in counts.at_work:
        echo(
            f"{printable(one.worker)}: {printable(one.path)} ({count(one.n_files, 'file')}), heard of {duration(one.seconds)} ago"
        )
    if counts.n_failed or counts.n_given_up:
        echo("which and why: pagesight jobs --failed")


COMMANDS = [queue, worker, jobs]
