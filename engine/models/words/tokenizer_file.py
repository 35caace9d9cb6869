"""A Unigram vocabulary from the file ``tokenizer.json`` that original checkpoints come with.

The file is JSON: ``model.vocab`` is a list of [piece, log probability], its order the ids that the weights were trained with,
and ``normalizer`` has the normal forms as SentencePiece compiled them (``precompiled_charsmap``, base64). The other file of such
checkpoints, ``sentencepiece.bpe.model``, says the same in protobuf, but without the special pieces and with other ids.

The compiled map: 4 bytes of length (little-endian), a trie of that many bytes, then the replacements as UTF-8, each ended by
a zero byte. The trie is a double array (Aoe 1989, as darts-clone writes it) over the bytes of what is replaced: one uint32 a
unit, in which bits 0 to 7 and 31 are the label, bit 8 says that a key ends here, and the others are the offset. The unit of
a child is that of its parent's offset XOR its label; the unit at the offset itself holds a key's value, which is where its
replacement begins.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.models.files.cache import remembered_sha256
from pagesight.engine.models.words.unigram import UnigramVocabulary
from pagesight.storage.errors import BadCheckpoint, WeightsMissing

FILE = "tokenizer.json"
_FIRST = ("<s>", "<pad>", "</s>", "<unk>")  # pieces of XLM-R's layout, which UnigramTokenizer counts on
_ONLY_BLANKS = {"Regex": " {2,}"}  # a rule that changes nothing in a word alone
_LABELS = np.arange(1, 256, dtype=np.uint32)


def digest(folder: Path) -> str:
    """Of the file's bytes. Raises WeightsMissing if it is not there."""
    try:
        return remembered_sha256(folder / FILE)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> WeightsMissing:
    return WeightsMissing(
        f"{folder / FILE}, which holds the model's vocabulary, cannot be read: {error.strerror}; "
        "it lies beside the weights in the model's repository"
    )


def read_vocabulary(folder: Path) -> UnigramVocabulary:
    """Read ``tokenizer.json``. Normal forms are those of single characters, as words seldom have others.

    Raises WeightsMissing if it is not there, BadCheckpoint if it is of another kind.
    """
    try:
        described = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(folder, error) from error
    except ValueError as error:
        raise BadCheckpoint(folder, [f"{FILE} is not JSON: {error}"]) from error
    try:
        model = described["model"]
        pieces = tuple(str(piece) for piece, _ in model["vocab"])
        scores = np.array([score for _, score in model["vocab"]], np.float32)
        forms = normal_forms(base64.b64decode(_charsmap(described["normalizer"]), validate=True))
        unknown = int(model["unk_id"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BadCheckpoint(
            folder, [f"{FILE} is not of a Unigram model as SentencePiece makes them: {error}"]
        ) from error
    if pieces[: len(_FIRST)] != _FIRST or unknown != _FIRST.index("<unk>") or any("\n" in piece for piece in pieces):
        raise BadCheckpoint(folder, [f"{FILE} begins with the pieces {pieces[: len(_FIRST)]}, not {_FIRST}"])
    return UnigramVocabulary(pieces, scores, forms, unknown)


def _charsmap(normalizer: dict[str, Any]) -> str:
    """The compiled map, alone or beside rules for blanks. Raises ValueError for rules that we do not apply."""
    rules = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    maps = [rule["precompiled_charsmap"] for rule in rules if rule["type"] == "Precompiled"]
    others = [rule["type"] for rule in rules if rule["type"] != "Precompiled" and rule.get("pattern") != _ONLY_BLANKS]
    if len(maps) != 1 or others:
        raise ValueError(f"its text is normalised by {[rule['type'] for rule in rules]}")
    return str(maps[0])


def normal_forms(charsmap: bytes) -> dict[int, str]:
    """Code point -> text of all single characters of a compiled map. Raises ValueError, IndexError for a damaged one."""
    n_trie = int.from_bytes(charsmap[:4], "little")
    units = np.frombuffer(charsmap, "<u4", n_trie // 4, 4)
    texts = charsmap[4 + n_trie :]
    forms = {}
    waiting = [(_offset(int(units[0])), b"")]
    while waiting:
        node, before = waiting.pop()
        for label in _children(units, node):
            key = before + bytes([label])
            unit = int(units[node ^ label])
            below = node ^ label ^ _offset(unit)
            if len(key) < _length(key[0]):
                waiting.append((below, key))
            elif unit >> 8 & 1:
                start = int(units[below]) & 0x7FFFFFFF
                forms[ord(key.decode())] = texts[start : texts.index(0, start)].decode()
    return forms


def _offset(unit: int) -> int:
    return unit >> 10 << ((unit & 1 << 9) >> 6)  # bit 9 says that it counts in steps of 256


def _children(units: NDArray[np.uint32], node: int) -> list[int]:
    """Labels of the units below one."""
    labels = _LABELS[(_LABELS ^ node) < len(units)]
    return [int(label) for label in labels[units[labels ^ node] & 0x800000FF == labels]]


def _length(first_byte: int) -> int:
    """Bytes of the character in UTF-8."""
    return 1 if first_byte < 0x80 else 2 if first_byte < 0xE0 else 3 if first_byte < 0xF0 else 4
