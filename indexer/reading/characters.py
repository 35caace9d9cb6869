"""Which character is at each place of a line: a recognition network of PP-OCR with its last layer apart.

Six in seven of its 18,710 characters are ideographs and kana, and to tell them all apart at every place is a tenth of the
network's time, with the softmax and the search for the largest of a million numbers behind it. So the others are asked
first, and all only at places where none of these is sure; a line where one of those is seen is asked about all everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.network import Network
from pagesight.storage.made_once import made_once, sha256_of

# A character is sure with this logit and this share of the probability among those that are asked first. Of 3,134 lines of
# 16 documents, a tenth of them Chinese or Japanese, no text differed, nor with 12 and 0.9; with 14 and 0.7 one did.
SURE_LOGIT, SURE_SHARE = 14.0, 0.9
# Ideographs and kana are asked later, together: of some of them (力, カ) nothing but what stands beside them says which it is.
LATER = (
    ("\u3007", "\u3007"),
    ("\u3040", "\u30ff"),
    ("\u31f0", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0003ffff"),
)
PARTS = ("trunk.onnx", "last.onnx")
Choice = tuple[NDArray[np.intp], NDArray[np.float32]]


class CharacterNetwork(Protocol):
    """Pictures of lines -> what is at each place of them."""

    characters: Sequence[str]  # of all classes; "" is none

    def __call__(self, pictures: NDArray[np.float32]) -> Sequence[Choice]:
        """pictures: (n, 3, height_px, width_px). Returns for each the most probable classes (places,), and how probable they
        are (places,), in [0, 1].
        """


def character_network(model: Path) -> CharacterNetwork:
    """model: ONNX, (n, 3, height, width) -> (n, places, classes) probabilities. Class 0 is no character, the others are listed
    in its metadata "character".
    """
    try:  # taking a network apart takes as long as reading a line of print ten times, and 50 MB of memory
        kept = made_once("ocr", {"model": sha256_of(model), "later": LATER}, partial(_write_apart, model))
    except OSError:  # a full disk: what is made here is no more than a help
        kept = None
    parts = _apart(model) if kept is None else _read_apart(kept)
    return AllAtOnce(Network(model)) if parts is None else FewFirst(*map(Network, parts))


def listed(metadata: Mapping[str, str]) -> list[str]:
    return ["", *metadata["character"].splitlines(), " "]


def asked_first(characters: Sequence[str]) -> NDArray[np.bool_]:
    """Which of them are no ideographs and no kana."""
    return np.array([not any(begin <= one[:1] <= end for begin, end in LATER) for one in characters])


class AllAtOnce:
    """A network as it comes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.characters: Sequence[str] = listed(network.metadata)

    def __call__(self, pictures: NDArray[np.float32]) -> Sequence[Choice]:
        (probabilities,) = self._network(pictures)
        return list(zip(probabilities.argmax(axis=2), probabilities.max(axis=2), strict=True))


class FewFirst:
    """A network whose last layer is asked about some classes first."""

    def __init__(self, trunk: Network, last: Network) -> None:
        """trunk: pictures -> features (n, places, dim), and logits (n, places, some) of those asked first. last: features
        (n, dim) -> logits of all.
        """
        self._trunk, self._last = trunk, last
        self.characters: Sequence[str] = listed(trunk.metadata)
        self._first = asked_first(self.characters)
        self._classes = np.flatnonzero(self._first)

    def __call__(self, pictures: NDArray[np.float32]) -> Sequence[Choice]:
        return [self._choose(*line) for line in zip(*self._trunk(pictures), strict=True)]

    def _choose(self, features: NDArray[np.float32], logits: NDArray[np.float32]) -> Choice:
        best, share, height = largest(logits)
        chosen = self._classes[best]
        doubtful = np.flatnonzero((height < SURE_LOGIT) | (share < SURE_SHARE))
        if len(doubtful):
            chosen[doubtful], share[doubtful], _ = largest(self._last(features[doubtful])[0])
            if not self._first[chosen[doubtful]].all():
                chosen, share, _ = largest(self._last(features)[0])
        return chosen, share


def largest(logits: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """logits: (n, classes). Returns of each row where the largest is, its share after the softmax, and itself."""
    best = logits.argmax(axis=1)
    height = logits[np.arange(len(logits)), best]
    share = 1 / np.exp(logits - height[:, None]).sum(axis=1)
    return best, share, height


def _write_apart(model: Path, folder: Path) -> None:
    for name, part in zip(PARTS, _apart(model) or (), strict=False):
        (folder / name).write_bytes(part)


def _read_apart(folder: Path) -> tuple[Path, Path] | None:
    trunk, last = (folder / name for name in PARTS)
    return (trunk, last) if trunk.exists() else None


def _apart(model: Path) -> tuple[bytes, bytes] | None:
    """A network that ends in features x weights + bias, softmax: all before that, with only the columns of weights and bias
    behind it that are asked first; and all columns on their own. None where it ends otherwise.
    """
    import onnx
    from onnx import helper

    network = onnx.load(model)
    graph = network.graph
    found = _last_layer(graph)
    if found is None:
        return None
    features, weights, bias = found
    first = asked_first(listed({entry.key: entry.value for entry in network.metadata_props}))
    needed = {features}
    for node in reversed(list(graph.node)):
        if needed.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            needed.update(node.input)
    for stored in list(graph.initializer):
        if stored.name not in needed:
            graph.initializer.remove(stored)
    del graph.output[:]
    graph.output.append(helper.make_empty_tensor_value_info(features))
    _add_layer(graph, features, weights[:, first], bias[first])
    given = helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", len(weights)])
    alone = helper.make_graph([], "the last layer", [given], [])
    _add_layer(alone, "features", weights, bias)
    last = helper.make_model(alone, opset_imports=network.opset_import, ir_version=network.ir_version)
    return network.SerializeToString(), last.SerializeToString()


def _last_layer(graph: Any) -> tuple[str, NDArray[np.float32], NDArray[np.float32]] | None:
    """The name of its features, weights (dim, classes) and bias (classes,)."""
    from onnx import numpy_helper

    made_by = {name: node for node in graph.node for name in node.output}
    stored = {one.name: one for one in graph.initializer}

    def origin(name: str) -> str:
        while name in made_by and made_by[name].op_type == "Identity":
            name = made_by[name].input[0]
        return name

    constants = []
    name = graph.output[0].name
    for kind in ("Softmax", "Add", "MatMul"):
        node = made_by.get(origin(name))
        if node is None or node.op_type != kind:
            return None
        constants += [stored.get(origin(second)) for second in node.input[1:]]
        name = node.input[0]
    if len(constants) != 2 or None in constants:
        return None
    bias, weights = map(numpy_helper.to_array, constants)
    return name, weights, bias


def _add_layer(graph: Any, features: str, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Another output of a network: "logits"."""
    from onnx import helper, numpy_helper

    for name, values in (("last weights", weights), ("last bias", bias)):
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    graph.node.append(helper.make_node("MatMul", [features, "last weights"], ["products"]))
    graph.node.append(helper.make_node("Add", ["products", "last bias"], ["logits"]))
    graph.output.append(helper.make_empty_tensor_value_info("logits"))
