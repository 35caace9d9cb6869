"""Draws benchmarks/results/scale.png: recall against time, from the results of benchmarks.scale.

pip install -r benchmarks/requirements-peers.txt
python -m benchmarks.plot
"""

from __future__ import annotations

import json

from benchmarks.common import RESULTS


def main() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    result = json.loads((RESULTS / "scale-1.json").read_text(encoding="utf-8"))
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for token_recall, label in ((True, "single vector and tokens (default)"), (False, "single vector only")):
        rows = [row for row in result["searches"] if row["token_recall"] == token_recall]
        axes.plot([row["cpu_p50_ms"] for row in rows], [row["recall@10"] for row in rows], "o-", label=label)
        for row in rows:
            axes.annotate(
                str(row["n_candidates"]),
                (row["cpu_p50_ms"], row["recall@10"]),
                textcoords="offset points",
                xytext=(4, -12),
            )
    axes.set_xlabel("processor time of a search, ms (median, one thread)")
    axes.set_ylabel("share of the exact top 10 found")
    axes.set_title(f"{result['pages']:,} made-up pages of 768 token vectors; numbers are candidates", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(RESULTS / "scale.png", dpi=120)


if __name__ == "__main__":
    main()
