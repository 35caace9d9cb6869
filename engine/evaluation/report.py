"""Results as text for people, and as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.evaluation.result import ALL, Result
from pagesight.engine.evaluation.run import SHOWN
from pagesight.engine.evaluation.statistics import Interval
from pagesight.engine.evaluation.sureness import Sureness

if TYPE_CHECKING:
    from rich.table import Table

WIDE_COLUMNS = 110  # of a terminal that shows six measures with their intervals
_SHORT = {"n_candidates": "candi-\ndates", "truncate_dim": "dim", "pool_factor": "pooled"}
CSV_COLUMNS = ("dataset", "setting", "group", "metric", "queries", "mean", "low", "high")


def setting_text(result: Result) -> str:
    """multilingual-e5-small, int8, n_candidates 200."""
    words = []
    for name, value in result.setting.items():
        if value is not None:
            words.append(str(value) if name in ("model", "codec") else f"{name} {value}")
    return ", ".join(words)


def varied(results: Sequence[Result]) -> list[str]:
    """Parameters that differ among the results of a sweep."""
    return [name for name in results[0].setting if len({result.setting[name] for result in results}) > 1]


def sweep_table(results: Sequence[Result], columns: int) -> Table:
    """A row a point, without intervals where there is no room for them. The star marks points that no other beats or equals in quality, time and bytes at once."""
    metrics = list(results[0].quality[ALL])
    others = [metric for metric in metrics[1:] if metric.lower().startswith("recall")][:1] or metrics[1:2]
    names = varied(results)
    wide = columns >= WIDE_COLUMNS
    measures = [name if wide else name.replace("@", "\n@") for name in (metrics[0], *others)]
    costs = ("first\nstage", "agrees", "p50\nms", "p95\nms", "kB\na page", "pages\n/s")
    table = _table("", *(_SHORT.get(name, name) for name in names), *measures, *costs)
    best = pareto([_costs(result, metrics[0]) for result in results])
    for result, is_best in zip(results, best, strict=True):
        index, f, total, estimates = result.index, result.faithfulness, result.latency_ms["total"], result.quality[ALL]
        assert index is not None
        first = estimates[metrics[0]]
        table.add_row(
            "*" if is_best else "",
            *(str(result.setting[name] or "full") for name in names),
            _with_interval(first) if wide else f"{first.mean:.3f}",
            *(f"{estimates[metric].mean:.3f}" for metric in others),
            *(("", "") if f is None else (f"{f.recall:.1%}", f"{f.agreement:.1%}")),
            _three_digits(total.p50),
            _three_digits(total.p95),
            _three_digits(index.token_bytes_per_page / 1000),
            "" if index.pages_per_s is None else f"{index.pages_per_s:.1f}",
        )
    return table


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _costs(result: Result, metric: str) -> tuple[float, ...]:
    assert result.index is not None
    mean = result.quality[ALL][metric].mean
    return -mean, result.latency_ms["total"].p50, result.index.token_bytes_per_page


def pareto(costs: Sequence[tuple[float, ...]]) -> list[bool]:
    """Which of these no other one is as low as in every number and lower in one."""
    return [
        not any(other != mine and all(o <= m for o, m in zip(other, mine, strict=True)) for other in costs)
        for mine in costs
    ]


SWEEP_NOTES = (
    "*            no other point is better in one of quality, p50 and kB without being worse in another",
    f"first stage  share of exact search's best {SHOWN} that are among the candidates",
    f"agrees       share of the best {SHOWN} of exact search over the largest vectors that are in the answer",
)


def quality_table(result: Result, columns: int) -> Table:
    """A row a group: each mean with half the width of its 95 % interval; only the first one where there is no room."""
    metrics = list(next(iter(result.quality.values())))
    table = _table("group", "n", *metrics)
    wide = columns >= WIDE_COLUMNS
    for group, estimates in result.quality.items():
        cells = [_with_interval(e) if wide or i == 0 else f"{e.mean:.3f}" for i, e in enumerate(estimates.values())]
        table.add_row(group, f"{next(iter(estimates.values())).n:,}", *cells)
    return table


def _with_interval(e: Interval) -> str:
    return f"{e.mean:.3f} ±{(e.high - e.low) / 2:.2f}"


def subsets_table(results: Sequence[Result]) -> Table:
    """A row a subset, and the mean over subsets, each with the same weight: what leaderboards print."""
    metrics = list(results[0].quality[ALL])
    table = _table("subset", "queries", *metrics)
    rows = [[result.quality[ALL][metric].mean for metric in metrics] for result in results]
    for result, row in zip(results, rows, strict=True):
        table.add_row(result.dataset, f"{result.n_queries:,}", *(f"{mean:.3f}" for mean in row))
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    table.add_row(
        f"mean of {len(rows)}", f"{sum(result.n_queries for result in results):,}", *(f"{m:.3f}" for m in means)
    )
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
        table.add_row(percentile, *map(_three_digits, values))
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
    if result.sureness is not None:
        lines += _sureness_notes(result.sureness)
    if result.places is not None:
        p = result.places
        lines.append(
            f"regions       {p.first:.0%} of the first ones lie where the answer is, {p.any:.0%} have one among three "
            f"({p.n_first:,} first hits; the answers cover {p.area:.0%} of the page)"
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


def _sureness_notes(s: Sureness) -> list[str]:
    answered = ", ".join(
        f"{1 - risk:.0%} of the surest {coverage:.0%}" for coverage, risk in s.risk[:: len(s.risk) - 1]
    )
    error = f"expected calibration error {s.ece:.3f} (of so many questions {s.ece_by_chance:.3f} is chance)"
    lines = [f"confidence    first hits: {answered} are right; {error}"]
    if s.auc_right is not None:
        lines[0] += f", AUC {s.auc_right:.2f}"
    if s.auc_answerable is not None:
        lines.append(
            f"unanswerable  told from answerable questions with AUC {s.auc_answerable:.2f} "
            f"({s.n_unanswerable:,} against {s.n_answerable:,})"
        )
    return lines


def write_json(path: Path, results: Sequence[Result]) -> None:
    """One object, or a list of them for a sweep."""
    described = [result.to_dict() for result in results]
    text = json.dumps(described[0] if len(described) == 1 else described, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


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
