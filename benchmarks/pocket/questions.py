"""Material for the trainer's two phases, made from the passages: pages and texts with questions, graded pairs, code.

    python -m benchmarks.pocket.questions WORK

WORK/phases/{pairs-pages,pairs-texts,triplets-pages,triplets-texts,alike,said,code}.jsonl, each with a held-out ``-test``
of other texts, and the pages as PNG; WORK/phases/train.toml names them all. Code is that of Python's standard library.
"""

from __future__ import annotations

import ast
import json
import random
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pocket.drawing import Drawer
from benchmarks.pocket.steps import BENT
from benchmarks.pocket.teach import question

N_PAGES = {"train": 900, "test": 100}
N_TEXTS = {"train": 8_000, "test": 300}
SHAPES = ((16, 16), (16, 24), (24, 16))  # tokens of a page: a step takes a second for every 400
SETTINGS = """\
# Phase 1 and 2 of the pocket model, from what it learnt by reading.
model = "{model}"
out = "{out}"
seed = 1
dtype = "float32"
learning_rate = 2e-4
max_tokens = 128

[pairs]
sources = ["pairs-pages.jsonl", "pairs-texts.jsonl"]
evaluation = ["pairs-pages-test.jsonl"]
train_all = true
steps = {pairs}
picture_batch = 8
text_batch = 24
evaluate_every = 20

[tasks.retrieval]
sources = ["triplets-pages.jsonl", "triplets-texts.jsonl"]
evaluation = ["pairs-pages-test.jsonl"]
n_negatives = 1
picture_batch = 4
text_batch = 16
steps = {retrieval}

[tasks.text-matching]
sources = ["alike.jsonl", "said.jsonl"]
evaluation = ["alike-test.jsonl"]
text_batch = 48
steps = {matching}

[tasks.code]
sources = ["code.jsonl"]
evaluation = ["code-test.jsonl"]
text_batch = 24
steps = {code}
"""


def main() -> None:
    work = Path(sys.argv[1])
    folder = work / "phases"
    (folder / "pages").mkdir(parents=True, exist_ok=True)
    rows = list(map(json.loads, (work / "passages.jsonl").read_text().splitlines()))
    fonts = json.loads((work / "fonts.json").read_text())["seen"]
    for split in ("train", "test"):
        by_source: dict[str, list[str]] = {}
        for row in rows:
            if row["split"] == split:
                by_source.setdefault(row["source"], []).append(row["text"])
        chance = random.Random(f"{split} phases")
        end = "" if split == "train" else "-test"
        pairs, triplets = _pages(by_source, fonts, folder, split, chance)
        _write(folder / f"pairs-pages{end}.jsonl", pairs)
        _write(folder / f"triplets-pages{end}.jsonl", triplets)
        pairs, triplets = _texts(by_source, split, chance)
        _write(folder / f"pairs-texts{end}.jsonl", pairs)
        _write(folder / f"triplets-texts{end}.jsonl", triplets)
        passages = [text for texts in by_source.values() for text in texts]
        _write(folder / f"alike{end}.jsonl", _alike(passages, split, chance))
    _write_apart(folder, "said", _said(work))
    _write_apart(folder, "code", _code())
    steps = {"pairs": 60, "retrieval": 30, "matching": 100, "code": 80}
    (folder / "train.toml").write_text(SETTINGS.format(model=work / "reader", out=work / "pocket-model", **steps))


def _pages(
    by_source: dict[str, list[str]], fonts: Sequence[str], folder: Path, split: str, chance: random.Random
) -> tuple[list[Any], list[Any]]:
    """Pages of neighbouring passages of one source; its other pages are their hard negatives."""
    drawer = Drawer(fonts, np.random.default_rng(23 + len(split)), soil=0.2, hard=0.3)
    drawer.faces, drawer.bent = 1.0, BENT
    made: list[tuple[str, str, list[str]]] = []
    for number in range(N_PAGES[split]):
        source = chance.choice([name for name, texts in by_source.items() if len(texts) > 40])
        rows, columns = SHAPES[number % len(SHAPES)]
        n_passages = 2 + rows * columns // 160
        start = chance.randrange(len(by_source[source]) - n_passages)
        part = [text.split() for text in by_source[source][start : start + n_passages]]
        drawn = drawer.page(part, rows, columns)
        placed = drawn.words[:, 0].astype(int)
        whole = [" ".join(words) for p, words in enumerate(part) if (placed == p).sum() == len(words)]
        if whole:
            name = f"pages/{split}-{number:05}.png"
            Image.fromarray(drawn.pixels).save(folder / name)
            made.append((name, source, whole))
    pairs = [
        {"query": question(text, chance), "positive": {"image": name}} for name, _, texts in made for text in texts[:2]
    ]
    triplets = []
    for name, source, texts in made:
        others = [other for other, its, _ in made if its == source and other != name]
        if others:
            negative = {"image": chance.choice(others)}
            triplets.append({"query": question(texts[-1], chance), "positive": {"image": name}, "negative": negative})
    return pairs, triplets


def _texts(by_source: dict[str, list[str]], split: str, chance: random.Random) -> tuple[list[Any], list[Any]]:
    pairs, triplets = [], []
    for _ in range(N_TEXTS[split]):
        texts = by_source[chance.choice(list(by_source))]
        text, other = chance.sample(texts, 2)
        pairs.append({"query": question(text, chance), "positive": text})
        triplets.append({"query": question(text, chance), "positive": text, "negative": other})
    return pairs, triplets


def _alike(passages: Sequence[str], split: str, chance: random.Random) -> list[Any]:
    """Pairs of sentences that share a known part of their words, the grade: none, some, or all in another order."""
    rows = []
    for _ in range(N_TEXTS[split]):
        words = chance.choice(passages).split()[:14]
        others = chance.choice(passages).split()[:14]
        kept = chance.choice((0.0, 0.25, 0.5, 0.75, 1.0))
        mixed = [word if chance.random() < kept else other for word, other in zip(words, others, strict=False)]
        if chance.random() < 0.3:
            at = chance.randrange(len(mixed))
            mixed = mixed[at:] + mixed[:at]
        same = sum(word in words for word in mixed) / max(1, len(mixed))
        rows.append({"sentence1": " ".join(words), "sentence2": " ".join(mixed), "score": round(same, 2)})
    return rows


def _said(work: Path) -> list[Any]:
    """A word and what it means, of WordNet: two texts that say the same."""
    rows = []
    for path in sorted((work / "packages" / "wordnet-base").rglob("data.*")):
        for line in path.read_text(errors="replace").splitlines():
            if " | " in line and not line.startswith(" "):
                word = line.split()[4].replace("_", " ")
                meaning = line.split(" | ", 1)[1].split(";")[0].strip()
                if len(meaning.split()) > 3:
                    rows.append({"query": word, "positive": meaning})
    random.Random(4).shuffle(rows)
    once: dict[str, Any] = {row["query"]: row for row in rows}
    return list(once.values())[:20_000]


def _code() -> list[Any]:
    """Functions of the standard library and the first sentence of what they say of themselves."""
    rows: dict[str, Any] = {}
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib"} & set(path.parts):
            continue
        try:
            source = path.read_text()
            tree = ast.parse(source)
        except (ValueError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (said := ast.get_docstring(node)):
                first = " ".join(said.split("\n\n")[0].split())
                body = ast.unparse(ast.Module(node.body[1:], []))
                if 4 <= len(first.split()) <= 40 and body:
                    head = f"def {node.name}({ast.unparse(node.args)}):\n"
                    rows.setdefault(first, {"query": first, "code": head + body[:600]})
    return list(rows.values())


def _write_apart(folder: Path, name: str, rows: list[Any]) -> None:
    random.Random(9).shuffle(rows)
    _write(folder / f"{name}.jsonl", rows[200:])
    _write(folder / f"{name}-test.jsonl", rows[:200])


def _write(path: Path, rows: Iterable[Any]) -> None:
    """One a line; of those that differ in their negative only, the last: a question has an answer once."""
    once = {json.dumps({key: value for key, value in row.items() if key != "negative"}): row for row in rows}
    path.write_text("".join(json.dumps(row) + "\n" for row in once.values()))


if __name__ == "__main__":
    main()
