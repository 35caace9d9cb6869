"""``pagesight watch``."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagesight.engine.cli.index import as_dict, parse_tags
from pagesight.engine.cli.options import index_option, manners_options, model_options, open_engine
from pagesight.engine.cli.output import IndexProgress, count, echo_error, echo_json
from pagesight.engine.config import IndexConfig, ModelConfig, WatchConfig
from pagesight.storage.names import nfc, printable

if TYPE_CHECKING:
    from pagesight.indexer.running.plan import Outcome

DEFAULTS = WatchConfig()


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@index_option
@model_options
@click.option("--text", is_flag=True, help="Read text files and code too.")
@click.option("--password", help="Tried on encrypted files.")
@click.option(
    "--tag", "tags", multiple=True, type=nfc, callback=parse_tags, metavar="NAME=VALUE", help="Tag the documents."
)
@click.option("--keep", is_flag=True, help="Keep what was deleted from the folders in the index.")
@manners_options(DEFAULTS.nice)
@click.option(
    "--processes", type=click.IntRange(1, 64), help="Reading processes.  [default: --jobs, or one for two cores]"
)
@click.option(
    "--settle",
    type=click.FloatRange(0.1),
    default=DEFAULTS.settle_s,
    show_default=True,
    help="Seconds that a file must not have changed before it is read.",
)
@click.option(
    "--poll",
    type=click.FloatRange(0.1),
    default=DEFAULTS.poll_s,
    show_default=True,
    help="Seconds between looks at network shares, which give no events.",
)
@click.option(
    "--rescan",
    type=click.FloatRange(1),
    default=DEFAULTS.rescan_s,
    show_default=True,
    help="Seconds between looks at everything else, whether there were events or not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file that changed.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what failed.")
def watch(
    folders: tuple[Path, ...],
    index_dir: Path | str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    text: bool,
    password: str | None,
    tags: dict[str, str],
    keep: bool,
    jobs: int | None,
    nice: int,
    processes: int | None,
    settle: float,
    poll: float,
    rescan: float,
    as_json: bool,
    quiet: bool,
) -> int:
    """Keep the index up to date with folders until stopped.

    Half-written files wait. What was deleted leaves the index; what is merely not mounted stays. The work gives way to
    other programs.

    \b
    pagesight watch ~/Documents /mnt/scans
    """
    from pagesight.engine.watching.watcher import Watcher
    from pagesight.indexer.priority import process_gives_way

    process_gives_way(nice)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    config = IndexConfig(
        text=text,
        password=password,
        tags=tags,
        prune=not keep,
        nice=nice,
        n_processes=processes or jobs or max(1, (os.cpu_count() or 2) // 2),
    )
    settings = ModelConfig(device=device, dtype=dtype, offline=offline)
    progress = IndexProgress(dict, quiet=quiet or as_json, bar=False)

    def report(outcome: Outcome) -> None:
        if as_json:
            echo_json(as_dict(outcome))
        progress.file_done(outcome)

    with open_engine(index_dir, model=model, settings=settings) as engine:
        watcher = Watcher(
            engine,
            folders,
            config,
            WatchConfig(settle_s=settle, poll_s=poll, rescan_s=rescan, nice=nice),
            on_outcome=report,
            on_note=lambda text: echo_error(f"note: {text}"),
        )
        if not quiet:
            names = ", ".join(printable(folder) for folder in watcher.folders)
            echo_error(f"watching {count(len(watcher.folders), 'folder')}: {names}")
        watcher.run(stop)
    return 0


COMMANDS = [watch]
