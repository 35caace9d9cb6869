"""A folder as the repository of multilingual-e5-small has it: a BERT with made-up weights, and the true vocabulary.

Written by the tokenizers library, with normal forms compiled by sentencepiece, so that what is read is theirs.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pagesight.engine.models.words.unigram import UnigramVocabulary

VOCABULARY_ROWS = 250_037  # of which the last are of no piece
USED_ROWS = 2_000  # the most frequent pieces; the others are zero, and take no space on the disk


def compiled_normal_forms() -> bytes:
    """SentencePiece's own map of the rule that XLM-R's vocabulary was trained with."""
    from sentencepiece import SentencePieceNormalizer, sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_model_proto())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def write_tokenizer(folder: Path, vocabulary: UnigramVocabulary) -> Path:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    pieces = list(zip(vocabulary.pieces, map(float, vocabulary.scores), strict=True))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=vocabulary.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Precompiled(compiled_normal_forms())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def write_weights(folder: Path, hidden: int = 384, layers: int = 1, seed: int = 0) -> Path:
    """config.json and model.safetensors, by the names and shapes of the original."""
    config = {
        "model_type": "bert",
        "vocab_size": VOCABULARY_ROWS,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 12,
        "max_position_embeddings": 512,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {
        "embeddings.position_embeddings.weight": (512, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
    }
    for layer in range(layers):
        for part, (n_out, n_in) in {
            "attention.self.query": (hidden, hidden),
            "attention.self.key": (hidden, hidden),
            "attention.self.value": (hidden, hidden),
            "attention.output.dense": (hidden, hidden),
            "intermediate.dense": (4 * hidden, hidden),
            "output.dense": (hidden, 4 * hidden),
        }.items():
            shapes[f"encoder.layer.{layer}.{part}.weight"] = (n_out, n_in)
            shapes[f"encoder.layer.{layer}.{part}.bias"] = (n_out,)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"encoder.layer.{layer}.{part}.{kind}": (hidden,) for kind in ("weight", "bias")}
    draw, at, header, blocks = np.random.default_rng(seed), 0, {}, []
    for name, shape in shapes.items():
        values = draw.standard_normal(shape).astype("<f2") * np.float16(0.05)
        if name.endswith("LayerNorm.weight"):
            values = np.ones(shape, "<f2")
        blocks.append(values.tobytes())
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + len(blocks[-1])]}
        at += len(blocks[-1])
    words = "embeddings.word_embeddings.weight"
    n_bytes = VOCABULARY_ROWS * hidden * 2
    header[words] = {"dtype": "F16", "shape": [VOCABULARY_ROWS, hidden], "data_offsets": [at, at + n_bytes]}
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(blocks))
        file.write((draw.standard_normal((USED_ROWS, hidden)) * 0.05).astype("<f2").tobytes())
        file.truncate(8 + len(text) + at + n_bytes)
    return folder
