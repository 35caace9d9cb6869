"""Learns the head: ``python -m benchmarks.sight.train MATERIALS`` (benchmarks/sight/materials.sh fetches them; needs matplotlib and scikit-learn).

Draws pictures of every kind, wears them as documents do, takes EfficientNet-lite0's features of each, and fits a multinomial
logistic model, which is written to indexer/sight/head.npz. The head that is shipped was learnt in two runs, 50 drawings of each
kind but "chart", then 70 more of eleven kinds after styles had been added (--seed 1000 --kinds ... --add), so a single run of
today's drawings gives one that is alike and not the same.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.sight import charts, diagrams, drawings, maps, marks, pages
from benchmarks.sight.kit import Chance, worn
from pagesight.engine.models.sight.network import network_file
from pagesight.indexer.sight.look import HEAD_FILE, Network

DRAWN = {
    "photo": marks.photo,
    "bar chart": charts.bar,
    "line chart": charts.line,
    "pie chart": charts.pie,
    "scatter plot": charts.scatter,
    "chart": charts.other,
    "diagram": diagrams.diagram,
    "drawing": drawings.drawing,
    "map": maps.a_map,
    "table": pages.table,
    "screenshot": pages.screenshot,
    "logo": marks.logo,
    "qr code": marks.qr,
    "signature": marks.signature,
    "stamp": marks.stamp,
    "handwriting": marks.handwriting,
    "formula": charts.formula,
    "word cloud": marks.cloud,
    "text": pages.text,
    "form": pages.form,
    "nothing": marks.nothing,
}
STRENGTH = 0.003


def features(
    network: Network, materials: Path, n: int, views: int, wanted: Sequence[str], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n_pictures, 1280) float32, kinds, and which drawing each is of."""
    rows, kinds, owners = [], [], []
    for k, (kind, draw) in enumerate(DRAWN.items()):
        if kind not in wanted:
            continue
        chance, began = Chance(seed + k, materials), time.process_time()
        for i in range(n):
            drawn = draw(chance)
            seen = [np.asarray(worn(drawn, chance)) for _ in range(views)]
            rows.append(network.features(seen))
            kinds += [kind] * views
            owners += [seed + k * n + i] * views
        print(f"{kind}: {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    return np.concatenate(rows), np.array(kinds), np.array(owners)


def fit(x: np.ndarray, kinds: np.ndarray, strength: float = STRENGTH) -> dict[str, np.ndarray]:
    """The head: names, weight (1280, n) and bias (n,), for features as they come."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=strength, max_iter=400).fit(scaler.transform(x), kinds)
    weight = (model.coef_ / scaler.scale_).T
    bias = model.intercept_ - (model.coef_ * (scaler.mean_ / scaler.scale_)).sum(axis=1)
    return {"names": model.classes_.astype(str), "weight": weight.astype(np.float16), "bias": bias.astype(np.float32)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("materials", type=Path, help="folder that benchmarks/sight/materials.sh filled")
    parser.add_argument("--drawings", type=int, default=300, help="of each kind")
    parser.add_argument("--views", type=int, default=2, help="of each drawing")
    parser.add_argument("--kinds", nargs="*", default=list(DRAWN), help="to be drawn now")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="where features are kept, to be added to by another run")
    parser.add_argument("--add", type=Path, nargs="*", default=[], help="features that other runs kept")
    given = parser.parse_args()
    network = Network(network_file())
    x, kinds, owners = features(network, given.materials, given.drawings, given.views, given.kinds, given.seed)
    if given.keep:
        np.savez(given.keep, x=x, kinds=kinds, owners=owners)
    for path in given.add:
        with np.load(path) as kept:
            x = np.concatenate([x, kept["x"]])
            kinds, owners = np.append(kinds, kept["kinds"]), np.append(owners, kept["owners"])
    held = owners % 5 == 0
    head = fit(x[~held], kinds[~held])
    guessed = head["names"][(x[held] @ head["weight"].astype(np.float32) + head["bias"]).argmax(axis=1)]
    print(f"drawings that were held back: {(guessed == kinds[held]).mean():.3f} right")
    np.savez(HEAD_FILE, **fit(x, kinds))
    print(f"{HEAD_FILE}: {HEAD_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
