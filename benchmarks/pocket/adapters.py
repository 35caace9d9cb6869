"""Whether each task's adapter is of use: graded pairs by text-matching, code by code, each beside the others.

    python -m benchmarks.pocket.adapters WORK MODEL

Of WORK/phases/{alike,said,code}-test.jsonl, which nothing was learnt from: Spearman's correlation of cosines with the grades of
pairs, nDCG@10 of each word among all meanings, and of each description among all functions, by late interaction and single vectors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine import JinaEmbeddingsV4
from pagesight.engine.evaluation.pairs import correlations
from pagesight.engine.similarity import cosine, maxsim

MAX_TOKENS = 128


def main() -> None:
    phases, model = Path(sys.argv[1]) / "phases", JinaEmbeddingsV4.from_pretrained(sys.argv[2])
    alike, said, code = (read(phases / f"{name}-test.jsonl") for name in ("alike", "said", "code"))
    for task in model.model.settings.tasks:

        def encode(
            texts: list[str], prompt: str, *, multi: bool = False, task: str = task
        ) -> list[NDArray[np.float32]]:
            found = model.encode_text(
                texts, task, max_length=MAX_TOKENS, prompt_name=prompt, return_multivector=multi, return_numpy=True
            )
            return list(found)

        first, second = (np.stack(encode([row[name] for row in alike], "query")) for name in ("sentence1", "sentence2"))
        graded = correlations((first * second).sum(axis=1), [row["score"] for row in alike])["Spearman"].mean
        words, meanings = (np.stack(encode([row[key] for row in said], "query")) for key in ("query", "positive"))
        asked, functions = [row["query"] for row in code], [row["code"] for row in code]
        dense = cosine(np.stack(encode(asked, "query")), np.stack(encode(functions, "passage")))
        late = maxsim(encode(asked, "query", multi=True), encode(functions, "passage", multi=True))
        row = {"task": task, "alike": graded, "said": ndcg(cosine(words, meanings)), "code late": ndcg(late)}
        print(json.dumps({**row, "code dense": ndcg(dense)}), flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    return list(map(json.loads, path.read_text().splitlines()))


def ndcg(scores: NDArray[np.float32]) -> float:
    """nDCG@10 where row i's only answer is column i."""
    ranks = (scores > np.diag(scores)[:, None]).sum(axis=1)
    return float(np.where(ranks < 10, 1 / np.log2(ranks + 2), 0).mean())


if __name__ == "__main__":
    main()
