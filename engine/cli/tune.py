"""``pagesight optimize`` and ``pagesight measure``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pagesight.engine.cli.options import index_option, open_engine
from pagesight.engine.cli.output import count, echo, echo_json, size
from pagesight.engine.cli.search import read_queries
from pagesight.engine.config import SearchConfig


@click.command()
@index_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def optimize(index_dir: Path | str | None, as_json: bool) -> int:
    """Give back the space of removed documents; searches go on meanwhile.

    \b
    pagesight optimize
    """
    with open_engine(index_dir) as engine:
        done = engine.optimize()
    if as_json:
        echo_json(asdict(done))
    else:
        echo(
            f"{size(done.bytes_before)} before, {size(done.bytes_after)} now; "
            f"{count(done.n_pages_moved, 'page')} moved, {size(done.bytes_written)} written"
        )
    return 0


@click.command()
@index_option
@click.option(
    "--queries",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A JSONL file of {id, query}.  [default: questions made of stored pages]",
)
@click.option("--sample", type=click.IntRange(1), default=50, show_default=True, help="Questions that are made up.")
@click.option(
    "--candidates",
    type=click.IntRange(10),
    default=SearchConfig().n_candidates,
    show_default=True,
    help="As for search.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def measure(index_dir: Path | str | None, queries: Path | None, sample: int, candidates: int, as_json: bool) -> int:
    """Say how much of what an exact search finds the usual search finds in this index.

    \b
    pagesight measure --candidates 400
    """
    asked = [] if queries is None else [one.text for one in read_queries(queries)]
    with open_engine(index_dir) as engine:
        result = engine.measure(asked, n_queries=sample, config=SearchConfig(n_candidates=candidates))
        totals = engine.totals()
    bytes_per_page = totals.token_bytes / totals.n_pages
    if as_json:
        echo_json({**asdict(result), "n_candidates": candidates, "bytes_per_page": round(bytes_per_page)})
        return 0
    asked_what = count(result.n_queries, "question") + (" of yours" if asked else " made of stored pages")
    for name, value in (
        ("asked", f"{asked_what}, {count(result.n_pages, 'page')}"),
        ("agreement", f"{result.agreement:.1%} of the exact top {result.k}; the same first page {result.first:.1%}"),
        ("time", f"{result.search_ms:.1f} ms with {candidates} candidates, {result.exact_ms:.1f} ms exactly (medians)"),
        ("bytes per page", f"{size(bytes_per_page)} of token vectors"),
    ):
        echo(f"{name:15} {value}")
    return 0


COMMANDS = [optimize, measure]
