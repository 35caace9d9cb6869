"""``pagesight export`` and ``pagesight import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pagesight.engine.cli.moving import SEGMENTS, copy_options, run_copy
from pagesight.engine.cli.options import default_index, index_option, open_engine
from pagesight.engine.cli.output import count, echo, size
from pagesight.storage.names import printable


@click.command()
@click.argument("target", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE.tar]")
@index_option
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.option(
    "--segments", type=click.Path(file_okay=False), metavar="DIR", help="Write a folder of segments instead of a file."
)
@copy_options
@click.pass_context
def export(
    context: click.Context,
    /,
    target: Path | None,
    index_dir: Path | str | None,
    overwrite: bool,
    segments: str | None,
    **options: Any,
) -> int:
    """Write a backup of the index into one file, or what is new in it into a folder of segments.

    A backup is of one moment, and every byte of it has been checked; searches and indexing go on meanwhile. A folder of segments
    is for carrying an index to another machine: files that never change, so that only new ones are carried the next time.

    \b
    pagesight export backup.tar
    pagesight export --segments /mnt/usb/index
    """
    if (target is None) == (segments is None):
        raise click.UsageError("name a file, or a folder with --segments DIR")
    if segments is not None:
        if overwrite:
            raise click.UsageError("--overwrite is for files; segments are never written again")
        place = index_dir or context.find_root().obj or default_index()
        return run_copy(str(place), SEGMENTS + segments, **options)
    _only_for_segments(context)
    with open_engine(index_dir) as engine:
        done = engine.export(target or "", overwrite=overwrite)
    what = f"{count(done.n_documents, 'document')}, {count(done.n_pages, 'page')}, {size(done.n_bytes)}"
    echo(f"{what}: {printable(str(target))}")
    return 0


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="FILE.tar|DIR")
@index_option
@copy_options
@click.pass_context
def import_command(context: click.Context, /, source: Path, index_dir: Path | str | None, **options: Any) -> int:
    """Make an index of a backup, where there is none; or bring in what is new in a folder of segments.

    \b
    pagesight import backup.tar --index restored
    pagesight import /mnt/usb/index --moved /data/docs=~/docs
    """
    from pagesight.engine.api import SearchEngine

    place = index_dir or context.find_root().obj or default_index()
    if source.is_dir():
        return run_copy(SEGMENTS + str(source), str(place), **options)
    _only_for_segments(context)
    with SearchEngine.restore(source, place) as engine:
        totals = engine.totals()
    echo(f"{count(totals.n_documents, 'document')}, {count(totals.n_pages, 'page')}: {printable(place)}")
    return 0


def _only_for_segments(context: click.Context) -> None:
    """Raise UsageError if something was said that goes with folders of segments only."""
    for parameter in context.command.params:
        given = context.params.get(str(parameter.name))
        if parameter.name in ("delete", "moved", "dry_run", "as_json") and given:
            raise click.UsageError(f"{parameter.opts[0]} goes with a folder of segments, not with a backup")


COMMANDS = [export, import_command]
