"""An encoder with shorter single vectors, for models that were trained to be cut (Matryoshka, Kusupati et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.encoder import EncodedQuery, Encoder
from engine.models import MODELS
from indexer.content import PageContent
from storage.errors import ConfigError
from storage.values import EncodedPage


class TruncatedEncoder:
    """The first ``dim`` numbers of each single vector, scaled to length 1 again. Token vectors stay as they are."""

    def __init__(self, encoder: Encoder, dim: int) -> None:
        """Raises ConfigError if the model's vectors cannot be cut so."""
        allowed = MODELS[encoder.name].matryoshka if encoder.name in MODELS else ()
        if dim not in allowed:
            what = f"can be cut to {', '.join(map(str, allowed))}" if allowed else "cannot be cut"
            raise ConfigError(f"truncate_dim {dim}: the single vectors of {encoder.name} {what}")
        self._encoder = encoder
        self.name, self.fingerprint = encoder.name, f"{encoder.fingerprint}-single-{dim}"
        self.single_dim, self.token_dim = dim, encoder.token_dim
        self.image_pixels, self.reads_words = encoder.image_pixels, encoder.reads_words
        self.opening_weight = encoder.opening_weight

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        return [replace(page, single=self._cut(page.single)) for page in self._encoder.encode_pages(pages)]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        return [replace(query, single=self._cut(query.single)) for query in self._encoder.encode_queries(texts)]

    def _cut(self, single: NDArray[np.float32]) -> NDArray[np.float32]:
        head = single[: self.single_dim]
        return np.asarray(head / max(float(np.linalg.norm(head)), 1e-12), np.float32)
