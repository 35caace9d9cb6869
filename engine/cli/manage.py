"""``pagesight list, info, failures, remove, doctor``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagesight.engine.cli.options import index_option, open_engine
from pagesight.engine.cli.output import count, echo, echo_error, echo_json, page_remedy, size
from pagesight.storage.names import nfc, printable

if TYPE_CHECKING:
    from pagesight.engine.index import Store
    from pagesight.storage.manifest import Space


@click.command("list")
@index_option
@click.option(
    "--filter", "filters", type=nfc, metavar="EXPR", help="Only documents with a page that fits (see search --help)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a document.")
def list_command(index_dir: Path | str | None, filters: str | None, as_json: bool) -> int:
    """List the documents in the index.

    \b
    pagesight list --filter 'kind = pdf and pages > 100'
    """
    with open_engine(index_dir) as engine:
        documents = engine.documents(filters)
    if as_json:
        for document in documents:
            echo_json(asdict(document))
        return 0 if documents else 1
    if not documents:
        echo("no documents")
        return 1
    from pagesight.engine.cli.tables import Column, print_table

    columns = (
        Column("document", "nothing"),
        Column("pages", right=True, rank=1),
        Column("size", right=True, rank=3),
        Column("by OCR", rank=2),
        Column("date", rank=2),
        Column("title", "end", rank=4),
    )
    rows = [
        (
            name,
            str(document.n_indexed_pages),
            size(document.n_bytes),
            "all" if len(document.ocr_pages) == document.n_indexed_pages else spans(document.ocr_pages),
            document.date,
            document.title,
        )
        for document in documents
        for name in document.names
    ]
    print_table(columns, rows)
    for document in documents:
        for number, note in document.notes:
            echo(f"note: {document.document} page {number}: {note}")
    return 0


@click.command()
@index_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def info(index_dir: Path | str | None, as_json: bool) -> int:
    """Say what the index holds, what made it, and what it costs.

    \b
    pagesight info --json
    """
    from pagesight.storage.scoring.kernel import KERNELS

    with open_engine(index_dir) as engine:
        space, totals = engine.store.space, engine.totals()
        on_disk = engine.store.bytes_on_disk()
        pooled = f", one for {space.pool_factor} token vectors" if space.pool_factor > 1 else ""
        per_page = totals.token_bytes / totals.n_pages if totals.n_pages else 0.0
        scored_by = getattr(engine.store, "scored_by", f"the {KERNELS[0]} kernel")
        if as_json:
            described = {"folder": engine.address, **asdict(space), **asdict(totals)}
            echo_json({**described, "bytes_per_page": round(per_page), "bytes_on_disk": on_disk, "kernel": KERNELS[0]})
            return 0
        rows = (
            ("index", printable(engine.address)),
            ("model", f"{space.encoder} ({space.single_dim}-d single, {space.token_dim}-d token vectors)"),
            *((name.replace("_", " "), str(value)) for name, value in space.settings.items() if name != "sight"),
            *_pictures(space),
            ("fingerprint", space.fingerprint[:16]),
            ("codec", f"{space.codec}{pooled}, scored by {scored_by}"),
            ("documents", f"{totals.n_documents:,} ({count(totals.n_files, 'file')})"),
            (
                "pages",
                f"{totals.n_pages:,} ({totals.n_pages_by_ocr:,} read by OCR, {totals.n_pages_without_words:,} without words)",
            ),
            *([("notes", f"{count(totals.n_noted_pages, 'page')}; list says which")] if totals.n_noted_pages else []),
            ("token vectors", f"{totals.n_tokens:,}"),
            ("bytes per page", f"{size(per_page)} of token vectors"),
            ("on disk", size(on_disk)),
            *_kept_here(engine.store),
            (
                "failures",
                f"{count(totals.n_failed_files, 'file')}, {count(totals.n_failed_pages, 'page')} of other files",
            ),
        )
    for name, value in rows:
        echo(f"{name:15} {value}")
    return 0


def _kept_here(store: Store) -> list[tuple[str, str]]:
    """Where searches keep what they need of an index that lies elsewhere."""
    folder = getattr(store, "cache_folder", None)
    if folder is None:
        return []
    n_bytes = sum(path.stat().st_blocks * 512 for path in folder.glob("*")) if folder.is_dir() else 0
    return [("kept here", f"{size(n_bytes)} in {printable(folder)}" if n_bytes else "nothing: nobody has searched yet")]


def _pictures(space: Space) -> list[tuple[str, str]]:
    """Whether their kinds are seen, where the model has the choice."""
    from pagesight.engine.models import spec_of

    spec = spec_of(space.encoder)
    if space.settings.get("sight"):
        return [("pictures", "their kinds are seen")]
    if spec is None or "sight" not in spec.settings:
        return []
    return [("pictures", "not looked at; an index made with --sight sees what kind each is of")]


@click.command()
@index_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a failure.")
def failures(index_dir: Path | str | None, as_json: bool) -> int:
    """List what could not be read, and why.

    \b
    pagesight failures
    """
    with open_engine(index_dir) as engine:
        found = engine.failures()
    for failure in found:
        if as_json:
            echo_json(asdict(failure))
        else:
            page = f" page {failure.page}" if failure.page else ""
            echo(f"{failure.status}: {failure.document}{page}: {failure.reason}{page_remedy(failure.reason)}")
    if not found and not as_json:
        echo_error("no failures")
    return 0


@click.command()
@click.argument("names", nargs=-1, type=printable)
@index_option
@click.option(
    "--filter", "filters", type=nfc, metavar="EXPR", help="Documents with a page that fits (see search --help)."
)
@click.option("--all", "everything", is_flag=True, help="Everything in the index.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def remove(
    names: tuple[str, ...], index_dir: Path | str | None, filters: str | None, everything: bool, yes: bool
) -> int:
    """Take documents out of the index, by name or glob. The files stay where they are.

    \b
    pagesight remove reports/2023.pdf 'drafts/*'
    """
    if not names and filters is None and not everything:
        raise click.UsageError("name what to remove, or give --filter or --all")
    with open_engine(index_dir) as engine:
        if not yes:
            if sys.stdin is None or not sys.stdin.isatty():
                raise click.ClickException("there is no terminal to ask on; give --yes to remove without being asked")
            what = " ".join([*names, *([f"--filter {filters!r}"] if filters else [])]) or "everything"
            click.confirm(f"Remove {what} from {printable(engine.address)}?", abort=True, err=True)
        removed = engine.remove(*names, filters=filters, everything=everything)
    for name in removed:
        echo(f"removed: {name}")
    if not removed:
        echo_error("nothing in the index has such a name")
    return 0 if removed else 1


@click.command()
@index_option
@click.option(
    "--drop-damaged", is_flag=True, help="Drop damaged documents, so that the next index run reads them again."
)
def doctor(index_dir: Path | str | None, drop_damaged: bool) -> int:
    """Check every stored byte, and repair what can be derived.

    \b
    pagesight doctor --drop-damaged
    """
    with open_engine(index_dir) as engine:
        result = engine.examine(drop_damaged=drop_damaged)
    for finding in result.findings:
        echo(f"{'repaired' if finding.repaired else 'problem'}: {finding.problem}")
    echo(
        f"{count(result.n_documents, 'document')}, {count(result.n_pages, 'page')}: {'healthy' if result.healthy else 'damaged'}"
    )
    for line in _readers():
        echo(line)
    if result.damaged and not drop_damaged:
        echo_error(
            f"damaged: {', '.join(result.damaged)}; run: pagesight doctor --drop-damaged, then index their folders again"
        )
    return 0 if result.healthy else 1


def _readers() -> list[str]:
    """What kinds of files are read on this machine, and with which programs."""
    from pagesight.engine.cli.hints import PROGRAMS
    from pagesight.indexer.formats import FILE_TYPES

    def endings(program: str) -> str:
        rows = (row for row in FILE_TYPES if row.signature and row.program == program)
        return " ".join(row.extensions[0][1:] for row in rows)

    lines = [f"reads: {endings('')}"]
    for program, how in PROGRAMS.items():
        here = any(row.is_readable() for row in FILE_TYPES if row.program == program)
        lines.append(
            f"{'reads' if here else 'does not read'}: {endings(program)} ({f'with {program}' if here else f'needs {program}: where {how}'})"
        )
    if not any(find_spec(name) for name in ("pi_heif", "pillow_heif")):
        lines.append("does not read: heic (needs the package pi-heif: pip install 'pagesight[heif]')")
    return [*lines, _scripts()]


def _scripts() -> str:
    """Which scripts are read from pixels beside those that the models of RapidOCR know."""
    from pagesight.engine.cli.hints import TESSERACT
    from pagesight.indexer.reading.ocr import Tesseract
    from pagesight.indexer.reading.scripts import LANGUAGES
    from pagesight.storage.errors import UnreadableDocument

    languages: list[str] = []
    with suppress(UnreadableDocument):
        languages = Tesseract().languages
    here = sorted(script for script, packs in LANGUAGES.items() if set(packs) & set(languages))
    known = "reads scans in: Latin script, Chinese, Japanese"
    if here:
        known += f"; with tesseract: {', '.join(here)}"
    missing = sorted(LANGUAGES.keys() - set(here) - {"Hangul"})
    return known + (f"; not in: {', '.join(missing)} ({TESSERACT})" if missing else "")


COMMANDS = [list_command, info, failures, remove, doctor]


def spans(numbers: Sequence[int]) -> str:
    """Page numbers as people write them: 1-3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
