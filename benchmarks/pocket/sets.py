"""Folders of drawn pages with questions, as ``pagesight eval`` reads them: what the pocket model is measured with.

    python -m benchmarks.pocket.sets WORK                          WORK/sets/{seen,unseen}-{clean,soiled}
    python -m benchmarks.pocket.sets WORK --of FOLDER              the pages of a dataset with texts, drawn anew

Texts are of packages that nothing was learnt from; a question is some words of one passage, put as people ask. Of a dataset
(corpus.jsonl with texts, queries.jsonl, qrels.tsv) the English questions are asked of its English pages.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.pocket.drawing import Drawer
from benchmarks.pocket.teach import question

N_PAGES = 100
PAGE = (48, 34)  # rows and columns of tokens: A4 with 1.3 million pixels
MADE = (16, 24)  # a small page of some 120 words
HARD = 0.3  # type of 16 pixels and near it, in many fonts: what the pocket model was taught in its hours
KINDS = [(fonts, soil) for fonts in ("seen", "unseen") for soil in ("clean", "soiled")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--of", type=Path)
    arguments = parser.parse_args()
    fonts = json.loads((arguments.work / "fonts.json").read_text())
    for kind, soil in KINDS:
        drawer = Drawer(fonts[kind], np.random.default_rng(11), soil=float(soil == "soiled"), hard=HARD)
        name = f"{kind}-{soil}" if arguments.of is None else f"{arguments.of.name}-{kind}-{soil}"
        folder = arguments.work / "sets" / name
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.of is None:
            _made(arguments.work, drawer, folder)
        else:
            _redrawn(arguments.of, drawer, folder)
        print(folder)


def _draw(drawer: Drawer, passages: Sequence[Sequence[str]], path: Path, size: tuple[int, int]) -> set[int]:
    """Draw one page; returns the numbers of the passages that are there whole."""
    drawn = drawer.page(passages, *size)
    Image.fromarray(drawn.pixels).save(path)
    placed = drawn.words[:, :2].astype(int)
    return {p for p, words in enumerate(passages) if (placed[:, 0] == p).sum() == len(words)}


def _made(work: Path, drawer: Drawer, folder: Path) -> None:
    rows = map(json.loads, (work / "passages.jsonl").read_text().splitlines())
    texts = [row["text"] for row in rows if row["split"] == "test"]
    chance = random.Random(3)
    chance.shuffle(texts)
    lines = []
    for page in range(N_PAGES):
        part = [text.split() for text in texts[page * 8 : (page + 1) * 8]]
        whole = sorted(_draw(drawer, part, folder / f"page-{page:03}.png", MADE))
        if whole:
            asked = question(" ".join(part[chance.choice(whole)]), chance)
            relevant = [{"document": f"page-{page:03}.png", "page": 1}]
            lines.append(json.dumps({"id": f"q{page}", "query": asked, "relevant": relevant}))
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")


def _redrawn(dataset: Path, drawer: Drawer, folder: Path) -> None:
    read = lambda name: map(json.loads, (dataset / name).read_text().splitlines())  # noqa: E731
    spoken = {row["_id"]: row.get("text", "") for row in read("oracle_text.jsonl")}
    files: dict[str, str] = {}
    for row in read("corpus.jsonl"):
        words = [word for word in (row["text"] or spoken.get(row["_id"], "")).split() if len(word) < 30][:500]
        if row.get("language") == "en" and words:
            files[row["_id"]] = f"page-{len(files):03}.png"
            passages = [words[at : at + 60] for at in range(0, len(words), 60)]
            _draw(drawer, passages, folder / files[row["_id"]], PAGE)
    grades: dict[str, list[dict[str, object]]] = {}
    for query, page, grade in list(csv.reader((dataset / "qrels.tsv").open(), delimiter="\t"))[1:]:
        if page in files and int(grade) > 0:
            grades.setdefault(query, []).append({"document": files[page], "page": 1, "grade": int(grade)})
    lines = [
        json.dumps({"id": row["_id"], "query": row["text"], "relevant": grades[row["_id"]]})
        for row in read("queries.jsonl")
        if row["language"] == "en" and row["_id"] in grades
    ]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
