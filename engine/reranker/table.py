"""Which folders are rerankers: a row a kind, found by its files and config.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pagesight.engine.reranker import Reranker
from pagesight.engine.reranker.pairs import Forward, Inputs, TextPairs
from pagesight.storage.errors import BadReranker, ExtraMissing

CONFIG, TOKENIZER_CONFIG = "config.json", "tokenizer_config.json"
ONNX = ("model.onnx", "onnx/model.onnx")
PADDED_POSITIONS = ("roberta", "camembert", "xlm-roberta", "xlm-roberta-xl")  # whose first positions are none
CLASSIFIER = "ForSequenceClassification"
LONGEST = 1_000_000  # what tokenizer_config.json says where nobody set a limit is more

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """name: for messages. fits: whether a folder is one. load: its forward pass."""

    name: str
    fits: Callable[[Path, Config], bool]
    load: Callable[[Path, Config], Forward]


@lru_cache(maxsize=4)
def load_reranker(folder: Path) -> Reranker:
    """The model in a folder, loaded once a process. Raises BadReranker for what is none, ExtraMissing."""
    config = _config(folder)
    for kind in KINDS:
        if kind.fits(folder, config):
            return TextPairs(folder, kind.load(folder, config), most_tokens=_most_tokens(folder, config))
    has = ", ".join(config.get("architectures") or ()) or "no architecture"
    problem = (
        f"it is no cross-encoder over pairs of texts: its {CONFIG} names {has}, and there is neither a ...{CLASSIFIER} "
        f"nor a {ONNX[0]}; models that read pages as pictures cannot give a second opinion yet"
    )
    raise BadReranker(folder, [problem])


def _config(folder: Path) -> Config:
    if not folder.is_dir():
        raise BadReranker(folder, ["there is no such folder"])
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadReranker(folder, [f"it has no {CONFIG}"]) from error
    except (OSError, ValueError) as error:
        raise BadReranker(folder, [f"{CONFIG} cannot be read: {error}"]) from error
    if not isinstance(config, dict):
        raise BadReranker(folder, [f"{CONFIG} is no JSON object"])
    return config


def _most_tokens(folder: Path, config: Config) -> int:
    """That a pair may have, special ones included: the least of what the files say."""
    positions = int(config.get("max_position_embeddings") or LONGEST)
    if config.get("model_type") in PADDED_POSITIONS:
        positions -= int(config.get("pad_token_id") or 0) + 1
    try:
        said = json.loads((folder / TOKENIZER_CONFIG).read_text(encoding="utf-8")).get("model_max_length")
    except (OSError, ValueError, AttributeError):
        said = None
    return min(positions, int(said) if isinstance(said, int) and 0 < said < LONGEST else LONGEST)


def _is_onnx(folder: Path, config: Config) -> bool:  # noqa: ARG001 - as every row's
    return any((folder / name).is_file() for name in ONNX)


def _load_onnx(folder: Path, config: Config) -> Forward:  # noqa: ARG001
    from pagesight.engine.models.words.runtime import onnx_session

    path = next(folder / name for name in ONNX if (folder / name).is_file())
    try:
        session = onnx_session(path, threads=0)
    except Exception as error:  # of onnxruntime's own, which have no common class
        raise BadReranker(folder, [f"{path.name} cannot be loaded: {error}"]) from error
    names = {given.name for given in session.get_inputs()}
    if not {"input_ids", "attention_mask"} <= names <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise BadReranker(folder, [f"{path.name} takes {', '.join(sorted(names))}, not pairs of texts"])
    output = session.get_outputs()[0].name

    def forward(inputs: Inputs) -> np.ndarray:
        (logits,) = session.run([output], {name: value for name, value in inputs.items() if name in names})
        return np.asarray(logits, np.float32)

    return forward


def _is_classifier(folder: Path, config: Config) -> bool:  # noqa: ARG001
    return any(str(name).endswith(CLASSIFIER) for name in config.get("architectures") or ())


def _load_classifier(folder: Path, config: Config) -> Forward:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ExtraMissing("what this reranker needs (torch, transformers)", "jina") from error
    transformers.utils.logging.disable_progress_bar()  # progress is the command line's to show
    verbosity = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()  # it reports what is checked below
    try:
        network, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BadReranker(folder, [str(error)]) from error
    finally:
        transformers.utils.logging.set_verbosity(verbosity)
    if missing := sorted(report["missing_keys"]):
        raise BadReranker(folder, [f"it has no weights for {name}" for name in missing])
    network.eval()
    with_types = int(config.get("type_vocab_size") or 0) > 1

    def forward(inputs: Inputs) -> np.ndarray:
        given = {
            name: torch.from_numpy(value) for name, value in inputs.items() if with_types or name != "token_type_ids"
        }
        with torch.inference_mode():
            return np.asarray(network(**given).logits.float().numpy())

    return forward


KINDS = (
    Kind(name="ONNX", fits=_is_onnx, load=_load_onnx),
    Kind(name="transformers", fits=_is_classifier, load=_load_classifier),
)
