"""Rows of benchmarks.pages as a table (pages.md), a picture (pages.png) and JSON, in benchmarks/results."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.common import RESULTS, circumstances, write_result
from benchmarks.pages.kinds import KINDS
from benchmarks.pages.stages import STAGES

Row = dict[str, Any]
WHOLE = "whole"  # the kind of rows about an index made by the real pipeline
KIND, RUN = ("kind", "by"), ("what", "cores", "by")  # what rows have in common that are of one measurement
WRITTEN = RESULTS / "pages.json"
COLOURS = ("#a0aec0", "#718096", "#4a5568", "#2f855a", "#2b6cb0", "#dd6b20", "#b83280", "#6b46c1", "#1a202c")


def report(rows: Sequence[Row]) -> None:
    """Medians of all rows of a kind and a program, in place of those of earlier reports."""
    before = json.loads(WRITTEN.read_text(encoding="utf-8")) if WRITTEN.exists() else {"kinds": [], "whole": []}
    kinds = [_median(same) for same in _same([row for row in rows if row["kind"] != WHOLE], KIND)]
    wholes = [_whole(same) for same in _same([row for row in rows if row["kind"] == WHOLE], RUN)]
    found, wholes = _replaced(before["kinds"], kinds, KIND), _replaced(before["whole"], wholes, RUN)
    found.sort(key=lambda row: KINDS.index(row["kind"]))
    write_result("pages", {"kinds": found, "whole": wholes})
    (RESULTS / "pages.md").write_text(_table(found, wholes), encoding="utf-8")
    _draw(found)


def _same(rows: Sequence[Row], keys: Sequence[str]) -> list[list[Row]]:
    """Rows that have these in common."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(_key(row, keys), []).append(row)
    return list(found.values())


def _replaced(before: Sequence[Row], rows: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    return list({_key(row, keys): row for row in (*before, *rows)}.values())


def _key(row: Row, keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[key] for key in keys)


def _median(rows: Sequence[Row]) -> Row:
    """Seconds of processor time a page."""
    stages = {
        stage: round(statistics.median(row["cpu"][stage] / row["pages"] for row in rows), 4) for stage in rows[0]["cpu"]
    }
    there, seen, both = (statistics.median(row["words"][i] for row in rows) for i in range(3))
    return {
        "kind": rows[0]["kind"],
        "by": rows[0]["by"],
        "rounds": len(rows),
        "pages": rows[0]["pages"],
        "cpu_s": round(statistics.median(sum(row["cpu"].values()) / row["pages"] for row in rows), 3),
        "wall_s": round(statistics.median(row["wall"] / row["pages"] for row in rows), 3),
        "stages": stages,
        "words": int(there),
        "recall": round(both / there, 4) if there else None,
        "precision": round(both / seen, 4) if seen and there else None,
        "words_found": int(seen),
        "peak_mb": max(row["peak_mb"] for row in rows),
    }


def _whole(rows: Sequence[Row]) -> Row:
    middle = {name: round(statistics.median(row[name] for row in rows), 1) for name in ("wall", "cpu")}
    return {
        **{key: rows[0][key] for key in RUN},
        "pages": rows[0]["pages"],
        "rounds": len(rows),
        "wall_s": middle["wall"],
        "cpu_s": middle["cpu"],
        "peak_mb": max(row["peak_mb"] for row in rows),
    }


def _table(rows: Sequence[Row], wholes: Sequence[Row]) -> str:
    where = circumstances()
    lines = [
        f"Seconds of processor time a page, one thread, on one core of an {where['cpu']}; medians of as many interleaved rounds as the last column says.",
        "Words: share of a page's words that were found / of found words that are there; for photographs, how many were found where none is.",
        "What is there is PyMuPDF's text layer, which has the letters of turned text one by one: words that are put together from them (4 on a page of text) count as missed.",
        "",
        f"| kind | by | all | {' | '.join(STAGES)} | words | peak MB | rounds |",
        f"|---|---|---:|{'---:|' * len(STAGES)}---|---:|---:|",
    ]
    for row in rows:
        stages = [f"{row['stages'][stage]:.3f}" if stage in row["stages"] else "" for stage in STAGES]
        words = f"{row['words_found']} found"
        if row["words"]:
            words = f"{100 * row['recall']:.1f}% / {100 * (row['precision'] or 0):.1f}%"
        cells = [row["kind"], row["by"], f"{row['cpu_s']:.2f}", *stages, words, str(row["peak_mb"]), str(row["rounds"])]
        lines.append(f"| {' | '.join(cells)} |")
    if wholes:
        lines += [
            "",
            "Whole folders as `pagesight index` does it, with loading of models; memory of all processes, what they share counted once.",
            "kinds: a file of each of the kinds above. long: one PDF of text.",
            "",
            "| what | cores | by | pages | wall s | processor s | peak MB | rounds |",
            "|---|---:|---|---:|---:|---:|---:|---:|",
        ]
        order = (*RUN, "pages", "wall_s", "cpu_s", "peak_mb", "rounds")
        lines += [f"| {' | '.join(str(row[name]) for name in order)} |" for row in wholes]
    return "\n".join(lines) + "\n"


def _draw(rows: Sequence[Row]) -> None:
    """A bar for each kind and program, of its stages."""
    try:
        from matplotlib.figure import Figure
    except ImportError:  # the table says the same
        return
    figure = Figure(figsize=(10, 0.32 * len(rows) + 1.6), layout="constrained")
    axes: Any = figure.subplots()
    parts = [*STAGES, "all"]
    for at, row in enumerate(rows):
        left = 0.0
        for stage, colour in zip(parts, COLOURS, strict=True):
            seconds = row["stages"].get(stage, 0.0)
            axes.barh(at, seconds, left=left, color=colour)
            left += seconds
        words = f"{100 * row['recall']:.1f}% of words" if row["words"] else f"{row['words_found']} words in photographs"
        axes.annotate(words, (left, at), textcoords="offset points", xytext=(4, 0), va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{row['kind']}: {row['by']}" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("seconds of processor time a page (median)")
    axes.margins(x=0.15)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    handles = [
        _patch(colour, "not parted" if part == "all" else part) for part, colour in zip(parts, COLOURS, strict=True)
    ]
    axes.legend(handles=handles, loc="lower right", fontsize=8)
    figure.savefig(RESULTS / "pages.png", dpi=120)


def _patch(colour: str, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)
