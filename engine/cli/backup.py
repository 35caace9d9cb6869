"""``pagesight export`` and ``pagesight import``."""

from __future__ import annotations

from pathlib import Path

import click

from pagesight.engine.cli.options import default_index, index_option, open_engine
from pagesight.engine.cli.output import count, echo, size
from pagesight.storage.names import printable


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.tar")
@index_option
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def export(target: Path, index_dir: Path | str | None, overwrite: bool) -> int:
    """Write a backup of the index into one file.

    Searches and indexing go on meanwhile; the backup is of one moment, and every byte of it has been checked.

    \b
    pagesight export backup.tar
    """
    with open_engine(index_dir) as engine:
        done = engine.export(target, overwrite=overwrite)
    echo(
        f"{count(done.n_documents, 'document')}, {count(done.n_pages, 'page')}, {size(done.n_bytes)}: {printable(target)}"
    )
    return 0


@click.command("import")
@click.argument("backup", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE.tar")
@index_option
@click.pass_context
def import_command(context: click.Context, backup: Path, index_dir: Path | str | None) -> int:
    """Make an index of a backup, where there is none.

    \b
    pagesight import backup.tar --index restored
    """
    from pagesight.engine.api import SearchEngine

    place = index_dir or context.find_root().obj or default_index()
    with SearchEngine.restore(backup, place) as engine:
        totals = engine.totals()
    echo(f"{count(totals.n_documents, 'document')}, {count(totals.n_pages, 'page')}: {printable(place)}")
    return 0


COMMANDS = [export, import_command]
