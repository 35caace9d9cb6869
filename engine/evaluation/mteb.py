"""mteb 2.x runs our engine and our encoders.

    mteb.evaluate(EngineSearch("folder"), tasks)                                  the engine as it stands: retrieval tasks
    mteb.evaluate(EncoderModel(load_model("multilingual-e5-small")), tasks)       a model alone, by single vectors
    mteb.evaluate(EncoderModel(..., vectors="tokens"), tasks)                     the same by MaxSim over token vectors

What mteb calls with more arguments than are needed takes them as ``**_``: its protocols say so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pagesight import engine
from pagesight.engine.config import SearchConfig
from pagesight.engine.evaluation.dataset import EvalQuery
from pagesight.engine.evaluation.indexing import IndexSetting, make_index
from pagesight.engine.evaluation.rows import CorpusRow, RowCorpus
from pagesight.engine.evaluation.run import SHOWN, AskConfig, search_items
from pagesight.engine.maxsim import maxsim
from pagesight.engine.models import MODELS, load_model
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.reading.text_file import text_page
from pagesight.storage.errors import ConfigError, ExtraMissing
from pagesight.storage.multivectors import MultiVectors

if TYPE_CHECKING:
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.encoder import Encoder

Float = NDArray[np.float32]
Vectors = Literal["single", "tokens"]


class EngineSearch:
    """The whole engine as mteb's SearchProtocol: it indexes each task's corpus in ``folder`` and keeps it there."""

    def __init__(
        self,
        folder: str | PathLike[str],
        setting: IndexSetting | None = None,
        *,
        n_candidates: int = SearchConfig().n_candidates,
    ) -> None:
        """n_candidates: as in SearchConfig; a task's measures below that rank see nothing."""
        self._folder, self._n_candidates = Path(folder), n_candidates
        self._setting = setting or IndexSetting()
        self._engine: SearchEngine | None = None
        self._corpus: RowCorpus | None = None

    @property
    def mteb_model_meta(self) -> Any:
        """A ModelMeta. Raises ExtraMissing."""
        encoder = load_model(self._setting.model, self._setting.model_config)
        return _model_meta(f"pagesight/{encoder.name}", encoder, "late-interaction", encoder.token_dim)

    def index(self, corpus: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, **_: Any) -> None:
        """corpus: a datasets.Dataset with id, and image or title and text."""
        self.close()
        undecoded = _without_decoding(corpus)
        stamp = [task_metadata.name, hf_split, hf_subset, len(corpus), corpus._fingerprint]
        self._corpus = RowCorpus(lambda: _corpus_rows(undecoded), stamp)
        folder = self._folder / task_metadata.name / hf_split / hf_subset
        index = folder / self._setting.folder_name
        place = self._corpus.place(folder / "corpus")
        self._engine = make_index(self._corpus, self._setting, index, place)

    def search(
        self,
        queries: Any,
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **_: Any,
    ) -> Mapping[str, Mapping[str, float]]:
        """queries: a datasets.Dataset with id and text. top_ranked: the only documents that are scored, for reranking."""
        if self._engine is None or self._corpus is None:
            raise ConfigError("a corpus must be indexed before it is searched")
        asked = [EvalQuery(id=str(row["id"]), text=_query_text(row)) for row in queries]
        config = AskConfig(depth=max(top_k, SHOWN), n_candidates=self._n_candidates, n_exact=0)
        return search_items(self._engine, self._corpus, asked, config, top_ranked)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None


class EncoderModel:
    """One of our encoders as mteb's EncoderProtocol. Queries and documents of asymmetric tasks are encoded as such, both
    sides of symmetric ones (STS, classification, clustering) as queries.
    """

    def __init__(self, encoder: Encoder, *, vectors: Vectors = "single") -> None:
        self._encoder, self._vectors = encoder, vectors

    @property
    def mteb_model_meta(self) -> Any:
        """A ModelMeta. Raises ExtraMissing."""
        single = self._vectors == "single"
        dim = self._encoder.single_dim if single else self._encoder.token_dim
        kind = "dense" if single else "late-interaction"
        return _model_meta(f"pagesight/{self._encoder.name}-{self._vectors}", self._encoder, kind, dim)

    def encode(self, inputs: Iterable[Mapping[str, Any]], *, prompt_type: Any = None, **_: Any) -> Float | list[Float]:
        """inputs: batches with a list of "text" or "image". Returns (n, dim) of single vectors, or a list of (n_i, dim)."""
        encoded: list[Float] = []
        for batch in inputs:
            if prompt_type is not None and prompt_type.value == "document":
                pages = self._encoder.encode_pages(list(self._pages(batch)))
                encoded += [page.single if self._vectors == "single" else page.tokens for page in pages]
            else:
                queries = self._encoder.encode_queries(batch["text"])
                encoded += [query.single if self._vectors == "single" else query.tokens for query in queries]
        return np.stack(encoded) if self._vectors == "single" else encoded

    def similarity(self, a: Sequence[Float], b: Sequence[Float]) -> Float:
        """(n_a, n_b): dot products of unit vectors, or MaxSim. A document without tokens scores lower than any other."""
        if self._vectors == "single":
            return np.asarray(_array(a) @ _array(b).T, np.float32)
        kept = [i for i, tokens in enumerate(b) if len(tokens)]
        scores = np.full((len(a), len(b)), -np.inf, np.float32)
        if kept:
            documents = MultiVectors.from_pages([_array(b[i]) for i in kept], self._encoder.token_dim)
            for row, query in enumerate(a):
                scores[row, kept] = maxsim(_array(query), documents)
        return scores

    def similarity_pairwise(self, a: Sequence[Float], b: Sequence[Float]) -> Float:
        """(n,): the similarity of each pair."""
        pairs = [self.similarity([one], [other])[0, 0] for one, other in zip(a, b, strict=True)]
        return np.array(pairs, np.float32)

    def _pages(self, batch: Mapping[str, Any]) -> Iterator[PageContent]:
        """Images if there are any, else texts."""
        if "image" not in batch:
            yield from (text_page(text) for text in batch["text"])
            return
        options = ReadOptions(image_pixels=self._encoder.image_pixels)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "page.png"
            for image in batch["image"]:
                image.convert("RGB").save(path)
                document = open_document(path, options)
                yield read_page(document, 1, options)
                document.close()


def _model_meta(name: str, encoder: Encoder, kind: str, dim: int) -> Any:
    try:
        from mteb.models import ModelMeta
        from mteb.models.model_meta import ScoringFunction
    except ImportError as error:
        raise ExtraMissing("mteb", "eval") from error
    similarity = ScoringFunction.COSINE if kind == "dense" else ScoringFunction.MAX_SIM
    licence = MODELS[encoder.name].licence.lower() if encoder.name in MODELS else None
    return ModelMeta.create_empty(
        {
            "name": name.replace(" ", "-"),
            "revision": f"{engine.__version__}-{encoder.fingerprint[:12]}",
            "embed_dim": dim,
            "license": licence if licence in ("mit", "apache-2.0") else None,
            "similarity_fn_name": similarity,
            "modalities": ["text", "image"],
            "model_type": [kind],
        }
    )


def _without_decoding(corpus: Any) -> Any:
    """Images as the files they were stored as, not decoded and coded again."""
    if "image" not in corpus.column_names:
        return corpus
    from datasets import Image

    return corpus.cast_column("image", Image(decode=False))


def _corpus_rows(corpus: Any) -> Iterator[CorpusRow]:
    for row in corpus:
        image = row.get("image")
        if image is None:
            parts = (row.get("title"), row.get("text"))
            yield CorpusRow(str(row["id"]), None, " ".join(part for part in parts if part))
        else:
            data = image["bytes"] if image["bytes"] is not None else Path(image["path"]).read_bytes()
            yield CorpusRow(str(row["id"]), data, "")


def _query_text(row: Mapping[str, Any]) -> str:
    """With the instruction that some tasks add, as mteb joins them."""
    return " ".join(part for part in (row["text"], row.get("instruction")) if part)


def _array(vectors: Any) -> Float:
    return np.asarray(vectors, np.float32)
