"""Pages and questions for the search engine: jina-embeddings-v4 as an Encoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pagesight.engine.config import ModelConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.models.files.cache import remembered_sha256
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.embedder import JinaEmbeddingsV4
from pagesight.engine.models.jina_v4.inputs import IMAGE_PROMPT, MAX_TEXT_TOKENS, PREFIXES
from pagesight.engine.models.on_torch.grid import Grid
from pagesight.engine.models.on_torch.runtime import place
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import BadInput, ConfigError, EmptyQuery, UnreadableDocument
from pagesight.storage.values import EncodedPage

OVERSAMPLING = 4  # pages are drawn with this many times the pixels of the budget, and shrunk once


class JinaV4Encoder:
    """An Encoder over the pictures of pages. Its adapter is merged into the weights: it serves one task."""

    reads_words = True  # BM25 over the text layer, where there is one, finds what a small picture does not show
    opening_weight = 0.0  # these models were measured a page at a time
    trained_single = True
    pages_at_once = 8

    def __init__(self, name: str, embedder: JinaEmbeddingsV4, config: ModelConfig, files_sha256: str) -> None:
        settings, pictures = embedder.model.settings, embedder.inputs.pictures
        self._embedder = embedder
        self._task = config.task or settings.usual_task
        embedder.model.check_task(self._task)
        self._dim = embedder.check_dim(config.single_dim)
        self._max_pixels = config.image_pixels or pictures.max_pixels
        if self._max_pixels < pictures.min_pixels:
            raise ConfigError(f"image_pixels must be at least {pictures.min_pixels:,}, not {self._max_pixels:,}")
        self.name = name
        self.single_dim, self.token_dim = self._dim or embedder.model.hidden_size, settings.projector_dim
        self.image_pixels = OVERSAMPLING * self._max_pixels
        identity = [files_sha256, self._task, self.single_dim, self._max_pixels, IMAGE_PROMPT, PREFIXES]
        self.fingerprint = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        embedder.model.merge(self._task)

    @property
    def task(self) -> str:
        """The one whose adapter is merged."""
        return self._task

    def count_tokens(self, width_px: int, height_px: int) -> int:
        """Token vectors of a page drawn with this size, known before it is encoded. Raises BadInput."""
        return self._embedder.inputs.pictures.grid(width_px, height_px, self._max_pixels).n_tokens + sum(
            self._embedder.inputs.n_prompt_tokens
        )

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """Each page as a picture. Raises UnreadableDocument for one too thin to be read."""
        from PIL import Image

        rows = []
        for page in pages:
            assert page.image is not None, "the reader was not told image_pixels"
            try:
                rows.append(self._embedder.inputs.picture(Image.fromarray(page.image), max_pixels=self._max_pixels))
            except BadInput as error:
                raise UnreadableDocument(f"page {page.number}: {error}") from error
        found = self._embedder.encode(rows, [self._task] * len(rows), dim=self._dim)
        return [
            EncodedPage(one.single.numpy(), one.multi.numpy(), self._boxes(row.grid))
            for row, one in zip(rows, found, strict=True)
        ]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        """All tokens count, those of the prefix included, as the model was trained."""
        for text in texts:
            if not any(map(str.isalnum, text)):
                raise EmptyQuery(text)
        inputs = self._embedder.inputs
        rows = [inputs.text(text, prompt="query", task=self._task, max_tokens=MAX_TEXT_TOKENS) for text in texts]
        found = self._embedder.encode(rows, [self._task] * len(rows), dim=self._dim)
        return [
            EncodedQuery(one.single.numpy(), one.multi.numpy(), row.token_texts)
            for row, one in zip(rows, found, strict=True)
        ]

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedPage]:
        """Texts with the prompt of what is searched; they have no place on a page. Raises BadInput for an empty one."""
        inputs = self._embedder.inputs
        rows = [inputs.text(text, prompt="passage", task=self._task, max_tokens=MAX_TEXT_TOKENS) for text in texts]
        found = self._embedder.encode(rows, [self._task] * len(rows), dim=self._dim)
        return [EncodedPage(o.single.numpy(), o.multi.numpy(), np.zeros((len(o.multi), 4), np.float32)) for o in found]

    def _boxes(self, grid: Grid | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """The cells of the picture's tokens; tokens of the prompt are nowhere on the page, a box without area says."""
        assert grid is not None
        before, after = self._embedder.inputs.n_prompt_tokens
        return np.concatenate([np.zeros((before, 4)), grid.boxes(), np.zeros((after, 4))]).astype(np.float32)


def load(name: str, folder: Path | None, config: ModelConfig) -> JinaV4Encoder:
    """Load a checkpoint. Raises WeightsMissing, BadCheckpoint, ConfigError."""
    assert folder is not None, "its weights come with no package"
    checkpoint = Checkpoint.open(folder)
    embedder = JinaEmbeddingsV4.load(checkpoint, place(config.device, config.dtype, config.batch_tokens))
    encoder = JinaV4Encoder(name, embedder, config, _sha256_of_files(checkpoint))
    if config.compile:
        embedder.model.compile()
    return encoder


def _sha256_of_files(checkpoint: Checkpoint) -> str:
    """Of everything that changes vectors."""
    small = ("config.json", "adapters/adapter_config.json", "tokenizer.json", "preprocessor_config.json")
    files = [*checkpoint.weight_files, checkpoint.adapter_file, *(checkpoint.folder / name for name in small)]
    return hashlib.sha256("".join(map(remembered_sha256, files)).encode()).hexdigest()
