"""A sweep as a picture: quality against what it costs, in time and in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pagesight.engine.evaluation.report import varied
from pagesight.engine.evaluation.result import ALL, Result
from pagesight.storage.errors import ExtraMissing

_COLOURS = ("#2b6cb0", "#dd6b20", "#2f855a", "#b83280", "#6b46c1", "#975a16", "#285e61", "#9b2c2c")
_MARKERS = "osD^vP*X"


def check_plotting() -> None:
    """Raise ExtraMissing if there is nothing to draw with; asked before a sweep, not after it."""
    try:
        import matplotlib as _  # noqa: F401, ICN001 - whether it is there
    except ImportError as error:
        raise ExtraMissing("matplotlib", "eval") from error


def plot_sweep(path: Path, results: Sequence[Result]) -> None:
    """Write a PNG: a colour for each index, a marker for each number of candidates, bars for the 95 % intervals."""
    from matplotlib.figure import Figure

    metric = next(iter(results[0].quality[ALL]))
    names = [name for name in varied(results) if name != "n_candidates"]
    indexes = list(dict.fromkeys(_index_name(result, names) for result in results))
    candidates = sorted({_candidates(result) for result in results})
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    axes: Any = figure.subplots(1, 2, sharey=True)
    for number, name in enumerate(indexes):
        of_index = [result for result in results if _index_name(result, names) == name]
        estimates = [result.quality[ALL][metric] for result in of_index]
        costs = [result.latency_ms["total"].p50 for result in of_index], [_kilobytes(result) for result in of_index]
        colour = _COLOURS[number % len(_COLOURS)]
        for axis, x in zip(axes, costs, strict=True):
            axis.plot(x, [e.mean for e in estimates], color=f"{colour}66", linewidth=1, zorder=1)
            for at, e, result in zip(x, estimates, of_index, strict=True):
                marker = _MARKERS[candidates.index(_candidates(result)) % len(_MARKERS)]
                axis.plot(at, e.mean, color=colour, marker=marker, markersize=8, linestyle="", zorder=2)
        errors = [[e.mean - e.low for e in estimates], [e.high - e.mean for e in estimates]]
        axes[0].errorbar(costs[0], [e.mean for e in estimates], errors, fmt="none", ecolor=f"{colour}44", capsize=3)
    for axis, label in zip(axes, ("milliseconds a query (median)", "kB of token vectors a page"), strict=True):
        axis.set_xlabel(label)
        axis.set_xlim(0, 1.05 * axis.get_xlim()[1])
        axis.grid(visible=True, alpha=0.2)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"{metric} (mean, 95 % interval)")
    figure.suptitle(f"{results[0].dataset}, {results[0].n_queries:,} queries")
    figure.legend(handles=_legend(indexes, candidates), loc="outside right center", frameon=False)
    figure.savefig(path, dpi=150)


def _index_name(result: Result, names: Sequence[str]) -> str:
    values = ((name, result.setting[name] or "full") for name in names)
    return ", ".join(str(value) if name in ("model", "codec") else f"{name} {value}" for name, value in values)


def _candidates(result: Result) -> int:
    return int(result.setting["n_candidates"] or 0)


def _kilobytes(result: Result) -> float:
    assert result.index is not None
    return result.index.token_bytes_per_page / 1000


def _legend(indexes: Sequence[str], candidates: Sequence[int]) -> list[Any]:
    from matplotlib.lines import Line2D

    colours = [
        Line2D([], [], color=_COLOURS[i % len(_COLOURS)], linewidth=4, label=name)
        for i, name in enumerate(indexes)
        if name
    ]
    markers = [
        Line2D([], [], color="#4a5568", marker=_MARKERS[i % len(_MARKERS)], linestyle="", label=f"{number} candidates")
        for i, number in enumerate(candidates)
    ]
    return [*colours, *markers]
