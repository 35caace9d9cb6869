"""Results as text for people, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.evaluation.result import Result
from engine.evaluation.run import SHOWN

if TYPE_CHECKING:
    from rich.table import Table

CSV_COLUMNS = ("dataset", "setting", "group", "metric", "queries", "mean", "low", "high")


def setting_text(result: Result) -> str:
    """multilingual-e5-small, int8, n_candidates 200."""
    words = []
    for name, value in result.setting.items():
        if value is not None:
            words.append(str(value) if name in ("model", "codec") else f"{name} {value}")
    return ", ".join(words)


def quality_table(result: Result) -> Table:
    """A row a group: each mean with half the width of its 95 % interval."""
    metrics = list(next(iter(result.quality.values())))
    table = _table("group", "queries", *metrics)
    for group, estimates in result.quality.items():
        cells = [f"{e.mean:.3f} ±{(e.high - e.low) / 2:.2f}" for e in estimates.values()]
        n_queries = next(iter(estimates.values())).n
        table.add_row(group, f"{n_queries:,}", *cells)
    return table


def difference_table(result: Result) -> Table:
    """A row a metric: both means, their difference with its interval, and p."""
    table = _table("metric", "this run", "the other", "difference", "95 % interval", "p")
    for metric, d in result.differences.items():
        interval = f"{d.low:+.3f} to {d.high:+.3f}"
        table.add_row(metric, f"{d.a:.3f}", f"{d.b:.3f}", f"{d.a - d.b:+.3f}", interval, f"{d.p:.4f}")
    return table


def latency_table(result: Result) -> Table:
    """Milliseconds by stage."""
    table = _table("ms a query", *result.latency_ms)
    for percentile in ("p50", "p95"):
        values = (getattr(latency, percentile) for latency in result.latency_ms.values())
        table.add_row(percentile, *(f"{value:.1f}" for value in values))
    return table


def notes(result: Result) -> list[str]:
    """What else there is to know, a sentence each."""
    lines = []
    if result.faithfulness is not None:
        f = result.faithfulness
        lines.append(
            f"exact search  its best {SHOWN} pages: {f.recall:.1%} are among the candidates of the first stage, "
            f"{f.agreement:.1%} in the answer ({f.n:,} queries)"
        )
    if result.index is not None:
        i = result.index
        rate = "" if i.pages_per_s is None else f", indexed at {i.pages_per_s:.1f} pages/s"
        lines.append(
            f"index         {i.n_pages:,} pages, {i.token_bytes_per_page / 1000:,.0f} kB of token vectors a page, "
            f"{i.disk_bytes_per_page / 1000:,.0f} kB on disk{rate}"
        )
        if i.n_failed_files:
            lines.append(f"unreadable    {i.n_failed_files:,} files; their pages are never found")
    if result.n_missing:
        lines.append(
            f"missing       {result.n_missing:,} of the judged pages are not in the index; they are never found"
        )
    if result.n_unjudged:
        lines.append(f"left out      {result.n_unjudged:,} queries that nobody judged")
    return lines


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """A line for each result, group and metric."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        for result in results:
            for group, estimates in result.quality.items():
                for metric, e in estimates.items():
                    figures = (f"{e.mean:.6f}", f"{e.low:.6f}", f"{e.high:.6f}")
                    writer.writerow((result.dataset, setting_text(result), group, metric, e.n, *figures))


def _table(first: str, *others: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
