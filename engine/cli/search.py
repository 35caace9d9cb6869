"""``pagesight search`` and ``pagesight show``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagesight.engine.cli.explained import print_explained
from pagesight.engine.cli.hits import print_hits
from pagesight.engine.cli.options import (
    index_option,
    index_place,
    model_options,
    open_engine,
    open_server,
    reranker_option,
    server_option,
)
from pagesight.engine.cli.output import count, echo, echo_error, echo_json
from pagesight.engine.config import ModelConfig, SearchConfig
from pagesight.engine.json_lines import id_in, json_lines, text_in
from pagesight.engine.models.ahead import loading_ahead
from pagesight.storage.errors import DatasetError, EmptyQuery
from pagesight.storage.names import nfc, printable

if TYPE_CHECKING:
    from pagesight.engine.results import SearchHit
    from pagesight.engine.searcher import Searcher

DEFAULTS = SearchConfig()
MAX_PART_BYTES = 100  # two such parts and two numbers make a name; file systems allow 255


@click.command()
@click.argument("query", required=False, type=nfc)
@index_option
@model_options
@click.option(
    "-k", "--top-k", "k", type=click.IntRange(1, 10_000), default=DEFAULTS.k, show_default=True, help="Pages returned."
)
@click.option(
    "--filter",
    "filters",
    type=nfc,
    metavar="EXPR",
    help="""Only pages that fit, e.g. 'document ~ "2024/*" and page <= 3'.""",
)
@click.option("--exact", is_flag=True, help="Score every page instead of the best candidates.")
@click.option("--explain", is_flag=True, help="Show the parts of each score, and what each word of the question finds.")
@click.option("--plain", is_flag=True, help="Score by MaxSim alone, without the terms that are added to it.")
@click.option("--as-typed", is_flag=True, help="Do not mend slips of the pen, or look for other writings of numbers.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=DEFAULTS.min_confidence,
    show_default=True,
    help="Find nothing if the first hit is less likely to be right.",
)
@click.option(
    "--candidates",
    type=click.IntRange(1),
    default=DEFAULTS.n_candidates,
    show_default=True,
    help="Pages that are scored exactly.",
)
@click.option(
    "--score-on", metavar="DEVICE", help="Score pages on a device of torch, e.g. cuda.  [default: the processor]"
)
@reranker_option
@click.option(
    "--queries",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Answer a file with a JSON object {id, query} a line.",
)
@click.option(
    "--save-images",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Save the pages as PNG, matches marked.",
)
@click.option("--password", help="Of encrypted files, for --save-images.")
@server_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a hit.")
@click.option("--quiet", "-q", is_flag=True, help="Print hits only.")
def search(
    query: str | None,
    index_dir: Path | str | None,
    server: str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    k: int,
    filters: str | None,
    exact: bool,
    explain: bool,
    plain: bool,
    as_typed: bool,
    min_confidence: float,
    candidates: int,
    score_on: str | None,
    reranker: Path | None,
    queries: Path | None,
    save_images: Path | None,
    password: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Find the pages that answer a question.

    Filters compare document, folder, page, pages, title, author, date, kind, source, picture, sha256 and tag.NAME by
    = != < <= > >= and the glob ~, joined by and, or, not and parentheses. A quote within quotes is written twice.

    \b
    pagesight search "how often must the filter be cleaned"
    pagesight search "turnover by region" -k 3 --filter 'tag.year = 2024' --save-images pages
    pagesight search "turnover by region" --explain
    pagesight search "turnover by region" --server http://localhost:8000
    """
    if (query is None) == (queries is None):
        raise click.UsageError("give either a QUERY or --queries FILE")
    asked = [AskedQuery(query)] if query is not None else read_queries(queries)  # type: ignore[arg-type]  # one is given
    found_any = False
    config = SearchConfig(
        k=k,
        n_candidates=candidates,
        exact=exact,
        score_on=score_on,
        terms=not plain,
        min_confidence=min_confidence,
        mend=not as_typed,
    )
    with ExitStack() as stack:
        searcher: Searcher
        if server is not None:
            if reranker is not None:
                raise click.UsageError("the server has its own reranker: --reranker does not go with --server")
            searcher = stack.enter_context(open_server(server, index_dir, model, device, dtype))
            ask = partial(searcher.search, filters=filters, config=config)
        else:
            settings = _settings(device, dtype, offline)
            stack.enter_context(loading_ahead(index_place(index_dir), model, settings))
            engine = open_engine(index_dir, model=model, settings=settings, reranker=reranker)
            searcher = stack.enter_context(engine)
            ask = partial(engine.search, filters=filters, config=config, view=stack.enter_context(engine.view()))
        for one in asked:
            try:
                hits = ask(one.text)
            except EmptyQuery as error:
                if not one.place:
                    raise
                echo_error(f"{one.place}: {error}")
                continue
            found_any |= bool(hits)
            for part, reason in getattr(hits, "missing", {}).items():
                echo_error(f"without the part of the index on {part}: {reason}")
            if as_json:
                for hit in hits:
                    matches = {"matches": [match.to_dict() for match in hit.matches]} if explain else {}
                    echo_json({**hit.to_dict(one.id), "path": hit.path, **matches})
            else:
                print_hits(hits, "" if one.id is None else f"{one.id}: {one.text}")
                if explain:
                    print_explained(one.text, hits)
            if save_images is not None and hits:
                saved = _save(searcher, hits, save_images, one.id, password)
                if not quiet:
                    echo_error(f"{count(saved, 'page')} saved in {printable(save_images)}")
    return 0 if found_any else 1


@click.command()
@click.argument("hit", type=printable, metavar="DOCUMENT:PAGE")
@index_option
@model_options
@click.option("--query", type=nfc, metavar="TEXT", help="Mark what matches this question.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PNG file to write.  [default: in the current folder]",
)
@click.option("--password", help="Of an encrypted file.")
@server_option
def show(
    hit: str,
    index_dir: Path | str | None,
    server: str | None,
    model: str | None,
    device: str,
    dtype: str,
    offline: bool,
    query: str | None,
    output: Path | None,
    password: str | None,
) -> int:
    """Save the picture of a page.

    \b
    pagesight show reports/2024.pdf:12 --query "turnover by region" -o page.png
    """
    document, colon, number = hit.rpartition(":")
    if not colon or not re.fullmatch(r"\d{1,9}", number):
        raise click.UsageError(f"{hit!r} is not DOCUMENT:PAGE, such as reports/2024.pdf:12")
    searcher: Searcher
    if server is not None:
        searcher = open_server(server, index_dir, model, device, dtype)
    else:
        searcher = open_engine(index_dir, model=model, settings=_settings(device, dtype, offline))
    with searcher:
        found = searcher.look_up(document, int(number), query)
        target = output or Path(_picture_name(found))
        for picture in searcher.pictures([found], password=password):
            _write(picture, target)
    echo(printable(target))
    return 0


def _settings(device: str, dtype: str, offline: bool) -> ModelConfig:
    return ModelConfig(device=device, dtype=dtype, offline=offline)


def _save(
    searcher: Searcher, hits: Sequence[SearchHit], folder: Path, query_id: str | None, password: str | None
) -> int:
    """One PNG a hit; a page whose file is gone or changed is named on stderr."""
    from pagesight.storage.errors import DocumentError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.FileError(str(folder), error.strerror or str(error)) from error
    prefix = f"{_plain(query_id)}-" if query_id else ""
    saved = 0
    for hit in hits:
        try:
            for picture in searcher.pictures([hit], password=password):
                _write(picture, folder / f"{prefix}{hit.rank:02d}-{_picture_name(hit)}")
                saved += 1
        except DocumentError as error:
            echo_error(f"not saved: {error}")
    return saved


def _write(picture: object, target: Path) -> None:
    try:
        picture.save(target, "PNG")  # type: ignore[attr-defined]  # a PIL.Image, imported where it is made
    except OSError as error:
        raise click.FileError(str(target), error.strerror or str(error)) from error


def _picture_name(hit: SearchHit) -> str:
    return f"{_plain(Path(hit.document).stem)}-p{hit.page}.png"


def _plain(text: str) -> str:
    """Letters, digits and dashes: a part of a file's name, in UTF-8 whatever the locale says."""
    kept = re.sub(r"[^\w.-]+", "-", text).strip("-.").encode()[:MAX_PART_BYTES].decode(errors="ignore")
    return os.fsdecode((kept or "page").encode())


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A question of somebody. place: the file and line it comes from; "" for one that was typed."""

    text: str
    id: str | None = None
    place: str = ""


def read_queries(path: Path) -> list[AskedQuery]:
    """Of a file for --queries. Raises DatasetError."""
    asked = []
    for number, fields in json_lines(path):
        place = f"{path}, line {number}"
        try:
            query_id, text = id_in(fields, "_id", "id"), text_in(fields, "text", "query")  # BEIR's names, or ours
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{place}: expected an object with id and query ({error})") from error
        asked.append(AskedQuery(nfc(text), query_id, place))
    return asked


COMMANDS = [search, show]
