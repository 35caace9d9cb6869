"""Memory of evaluating a corpus of page images, which must not grow with the corpus: benchmarks/results/stream.json.

    python -m benchmarks.stream

Images are made here and laid out as ViDoRe is on the hub; the encoder looks at pixels at the budget of
jina-embeddings-v4 and needs no weights, so that everything but a model is at work: parquet, files, reading processes,
rendering, index, search. Memory is that of the process and its children together.
"""

from __future__ import annotations

import io
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.speed import watched
from pagesight.engine import IndexConfig, SearchEngine
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.evaluation.layouts import open_datasets
from pagesight.engine.evaluation.run import AskConfig, ask
from pagesight.indexer.content import PageContent
from pagesight.storage.values import EncodedPage

SIZES = (500, 5000)
GRID, DIM = 16, 32
ROWS_A_GROUP = 100  # as the hub's own library writes images


class PixelEncoder:
    """Means of 16 x 16 parts of the image, thrown onto random directions."""

    name = fingerprint = "pixels"
    single_dim = token_dim = DIM
    image_pixels: int | None = 602_112
    reads_words = False

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        directions = np.random.default_rng(0).standard_normal((3, DIM)).astype(np.float32)
        y, x = np.mgrid[:GRID, :GRID].reshape(2, -1) / np.float32(GRID)
        boxes = np.stack([x, y, x + 1 / GRID, y + 1 / GRID], axis=1).astype(np.float32)
        encoded = []
        for page in pages:
            assert page.image is not None
            height, width = (side // GRID for side in page.image.shape[:2])
            parts = page.image[: height * GRID, : width * GRID].reshape(GRID, height, GRID, width, 3).mean((1, 3))
            tokens = parts.reshape(-1, 3).astype(np.float32) / 255 @ directions
            tokens /= np.linalg.norm(tokens, axis=1, keepdims=True) + 1e-6
            encoded.append(EncodedPage(tokens.mean(0), tokens, boxes))
        return encoded

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        tokens = [np.random.default_rng(zlib.crc32(text.encode())).standard_normal((4, DIM)) for text in texts]
        return [EncodedQuery(t[0].astype(np.float32), t.astype(np.float32), ("",) * 4) for t in tokens]


def make_dataset(folder: Path, n_images: int) -> int:
    """A4 pages at 100 dpi with blocks of noise. Returns the bytes of all images."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    for table in ("corpus", "queries", "qrels"):
        (folder / table).mkdir(parents=True)
    name = "test-00000-of-00001.parquet"
    schema = pa.schema({"corpus-id": pa.int64(), "image": pa.struct({"bytes": pa.binary(), "path": pa.string()})})
    chance, n_bytes = np.random.default_rng(0), 0
    with pq.ParquetWriter(folder / "corpus" / name, schema) as writer:
        for first in range(0, n_images, ROWS_A_GROUP):
            cells = []
            for _ in range(ROWS_A_GROUP):
                noise = Image.fromarray(chance.integers(0, 255, (56, 40), np.uint8))
                data = io.BytesIO()
                noise.resize((827, 1169), Image.Resampling.NEAREST).save(data, "JPEG")
                n_bytes += data.tell()
                cells.append({"bytes": data.getvalue(), "path": None})
            ids = range(first, first + ROWS_A_GROUP)
            writer.write_table(pa.table({"corpus-id": ids, "image": cells}, schema))
    ids = list(range(20))
    pq.write_table(pa.table({"query-id": ids, "query": [f"question {i}" for i in ids]}), folder / "queries" / name)
    pq.write_table(pa.table({"query-id": ids, "corpus-id": ids, "score": [1] * 20}), folder / "qrels" / name)
    return n_bytes


def evaluate(folder: Path, scratch: Path) -> None:
    """What is watched: place, index and ask."""
    (dataset,) = open_datasets(str(folder))
    with SearchEngine.open(scratch / "index", encoder=PixelEncoder()) as engine:
        for _ in engine.iter_index([dataset.corpus.place(scratch / "corpus")], IndexConfig(ocr="off")):
            pass
        answers = ask(engine, dataset, AskConfig(n_exact=5))
        assert len(answers.run) == 20
        assert answers.n_missing == 0


def measure() -> dict[str, Any]:
    result: dict[str, Any] = {}
    for n_images in SIZES:
        with tempfile.TemporaryDirectory() as scratch:
            n_bytes = make_dataset(Path(scratch) / "data", n_images)
            command = [sys.executable, "-m", "benchmarks.stream", f"{scratch}/data", scratch]
            result[f"{n_images}_images"] = {"corpus_mb": round(n_bytes / 1e6), **watched(command)}
    return result


if __name__ == "__main__":
    if len(sys.argv) > 1:
        evaluate(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        write_result("stream", measure())
