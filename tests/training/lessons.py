"""A tiny checkpoint, and made-up data that it can learn from: words of one language asked for in another, colours by their names."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from tests.jina.checkpoints import make_checkpoint

WORDS = {
    "apple": "Apfel", "pear": "Birne", "plum": "Pflaume", "cherry": "Kirsche", "grape": "Traube", "bread": "Brot",
    "cheese": "Kase", "butter": "Fett", "water": "Wasser", "wine": "Rebensaft", "meat": "Fleisch", "fish": "Fisch",
}  # fmt: skip
COLOURS = {
    "red": (220, 30, 30), "green": (30, 170, 60), "blue": (30, 60, 220), "yellow": (240, 220, 40),
    "black": (10, 10, 10), "white": (250, 250, 250), "pink": (250, 120, 190), "brown": (120, 70, 30),
}  # fmt: skip


def tiny_checkpoint(folder: Path, **sizes: object) -> Path:
    """Pictures of 84 x 56 pixels are six tokens."""
    return make_checkpoint(
        folder, **{"hidden": 48, "layers": 1, "depth": 1, "max_pixels": 5_000, "rank": 8, "alpha": 16, **sizes}
    )


def text_rows(number: int, *, seed: int = 0, negatives: int = 0, size: int = 3) -> list[dict]:
    """Questions in English, answers of the same words in German, in another order."""
    rng = random.Random(seed)
    chosen = rng.sample(list(combinations(WORDS, size)), number)
    rows = []
    for words in chosen:
        answer = [WORDS[word] for word in words]
        rng.shuffle(answer)
        row = {"query": " ".join(words), "positive": " ".join(answer)}
        if negatives:
            others = [word for word in WORDS if word not in words]
            row["negatives"] = [" ".join([*answer[1:], WORDS[other]]) for other in rng.sample(others, negatives)]
        rows.append(row)
    return rows


def picture_rows(folder: Path, number: int, *, seed: int = 0) -> list[dict]:
    """Questions that name three colours, answers of stripes in them, drawn in ``folder``."""
    from PIL import Image

    rows = []
    for colours in random.Random(seed).sample(list(combinations(COLOURS, 3)), number):
        path = folder / f"{'-'.join(colours)}.png"
        picture = Image.new("RGB", (84, 56))
        for at, colour in enumerate(colours):
            picture.paste(COLOURS[colour], (28 * at, 0, 28 * at + 28, 56))
        picture.save(path)
        rows.append({"query": " ".join(colours), "positive": {"image": path.name}})
    return rows


def graded_rows(number: int, *, seed: int = 0) -> list[dict]:
    """Pairs graded by the words they share."""
    rng, rows = random.Random(seed), []
    for _ in range(number):
        first, second = rng.sample(list(WORDS), 3), rng.sample(list(WORDS), 3)
        kept = rng.randint(0, 3)
        second[:kept] = first[:kept]
        grade = len(set(first) & set(second))
        rows.append({"sentence1": " ".join(first), "sentence2": " ".join(second), "score": grade})
    return rows


def write_rows(path: Path, rows: Sequence[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def data(folder: Path) -> Path:
    """text.jsonl, pictures.jsonl, graded.jsonl and held-out ones that share no row with them."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = text_rows(220, negatives=2)
    write_rows(folder / "text.jsonl", texts[:180])
    write_rows(
        folder / "text-held.jsonl", [{"query": row["query"], "positive": row["positive"]} for row in texts[180:]]
    )
    pictures = picture_rows(folder, 56)
    write_rows(folder / "pictures.jsonl", pictures[:44])
    write_rows(folder / "pictures-held.jsonl", pictures[44:])
    write_rows(folder / "graded.jsonl", graded_rows(120))
    return folder
