"""``pagesight copy``, and what ``export --segments`` and ``import FOLDER`` share with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pagesight.engine.cli.options import default_index
from pagesight.engine.cli.output import count, duration, echo, echo_error, echo_json, error_console, size
from pagesight.storage.addresses import shown
from pagesight.storage.names import printable

if TYPE_CHECKING:
    from pagesight.storage.moving.copying import DocumentCopied

SEGMENTS = "segments://"
Command = TypeVar("Command", bound=Callable[..., Any])


def _folders(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[Path, Path], ...]:
    pairs = []
    for value in values:
        before, equals, after = value.partition("=")
        if not (before and equals and after):
            raise click.BadParameter(f"{value!r} is not OLD=NEW")
        pairs.append((Path(before), Path(after).expanduser().absolute()))
    return tuple(pairs)


def copy_options(command: Command) -> Command:
    """What every copy can be told."""
    options = (
        click.option("--delete", is_flag=True, help="Take out of the target what the source does not have."),
        click.option(
            "--moved",
            multiple=True,
            callback=_folders,
            metavar="OLD=NEW",
            help="A folder of documents that has another place where the copy is.",
        ),
        click.option("--dry-run", is_flag=True, help="Only say what there is to do, and how long it will take."),
        click.option("--json", "as_json", is_flag=True, help="Print a JSON object."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option("--from", "source", metavar="INDEX", help="What to copy.  [default: the index that belongs here]")
@click.option("--to", "target", required=True, metavar="INDEX", help="Where to; it is made if it is not there.")
@copy_options
@click.pass_context
def copy(context: click.Context, /, source: str | None, target: str, **options: Any) -> int:
    """Copy an index into another place: a folder, another store, or a folder of segments.

    Bytes are carried as they are, so nothing is encoded again and scores stay the same. Documents that are there already are
    passed over: the same command brings a copy up to date, and goes on where it was stopped. Both are compared at the end.

    \b
    pagesight copy --to /mnt/archive/index
    pagesight copy --from segments:///mnt/usb/index --to my-index
    """
    return run_copy(source or str(context.find_root().obj or default_index()), target, **options)


def run_copy(
    source: str, target: str, *, delete: bool, moved: tuple[tuple[Path, Path], ...], dry_run: bool, as_json: bool
) -> int:
    """0 if all is there, 1 if some of the source is damaged."""
    from pagesight.engine.moving import copy_index, plan_copy

    if dry_run:
        plan = plan_copy(source, target, moved=moved)
        if as_json:
            echo_json(asdict(plan))
            return 1 if plan.refused else 0
        echo(
            f"{count(plan.n_documents, 'document')} to copy, {count(plan.n_pages, 'page')}, {size(plan.n_bytes)}; "
            f"{plan.n_there:,} there already"
        )
        if plan.n_names:
            echo(f"{count(plan.n_names, 'name')} or failures to note")
        if plan.n_gone:
            what = "to take out" if delete else "there that the source does not have (--delete takes them out)"
            echo(f"{count(plan.n_gone, 'name')} {what}")
        if plan.n_pages:
            how = "from reading alone" if plan.only_read else f"{count(plan.n_tried, 'document')} tried there"
            free = "" if plan.n_free is None else f"; {size(plan.n_free)} free"
            echo(f"about {duration(plan.seconds)} ({how}){free}")
        _print_refused(plan.refused)
        return 1 if plan.refused else 0
    with _progress(quiet=as_json) as tell:
        done = copy_index(source, target, delete=delete, moved=moved, on_document=tell)
    if as_json:
        echo_json(asdict(done))
    else:
        removed = f", {count(done.n_removed, 'name')} taken out" if done.n_removed else ""
        echo(
            f"{count(done.n_documents, 'document')} copied ({count(done.n_pages, 'page')}, {size(done.n_bytes)}, "
            f"{duration(done.seconds)}), {done.n_there:,} there already{removed}; compared, and the same"
        )
        echo(f"copy: {printable(shown(target).removeprefix(SEGMENTS))}")
        _print_refused(done.refused)
    return 1 if done.refused else 0


def _print_refused(refused: tuple[tuple[str, str], ...]) -> None:
    for what, why in refused:
        echo_error(f"refused: {what}: {why}")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[DocumentCopied], None]]:
    """A bar on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=error_console(), transient=True) as bar:
        task = bar.add_task("copying", total=None)

        def tell(done: DocumentCopied) -> None:
            n = int(bar.tasks[0].completed) + done.n_pages
            bar.update(task, completed=n, total=n + done.pages_left, description=count(n, "page"))

        yield tell


COMMANDS = [copy]
