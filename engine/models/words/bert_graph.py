"""A BERT encoder as an ONNX graph with 8-bit matrix products, built from its weights.

Activations are quantised per token inside the graph, not per tensor as the common tools do: a token's vector then does not
depend on which others are in its batch, and it keeps a cosine of 0.9985 to the float result where one scale for all gives
0.993 (ARCHITECTURE has the figures). Weights use 7 bits, because x86 CPUs without VNNI add pairs of products in 16 bits,
which full 8-bit weights overflow: so the integers are the same on every CPU.

Every operator is the one that runs: ONNX Runtime is told to leave the graph as it is (engine.models.words.runtime). One text at
a time needs no mask, and without a mask attention takes the runtime's quick path.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.models.words.weights import BertWeights

GRAPH_VERSION = 1  # part of the fingerprint: grows when the same weights would give other vectors
GRAPH_WRITING = 2  # of the kept graph: grows when it is written in other words, also where only the last bits differ
INPUT_WORDS, OUTPUT = "word_vectors", "token_vectors"
_OPSET, _IR_VERSION = 18, 8
_MAX_WEIGHT_CODE = 63
_MS = "com.microsoft"  # ONNX Runtime's fused operators


def build_graph(weights: BertWeights) -> bytes:
    """The serialised model.

    Input: word_vectors (1, length, hidden) float32, rows of the word table. Output: token_vectors (1, length, hidden)
    float32, the last layer.
    """
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    size = weights.size
    graph.layer_norm(graph.embed(), "embeddings.LayerNorm", "x0")
    for layer in range(size.layers):
        graph.layer(layer, f"x{layer}", OUTPUT if layer == size.layers - 1 else f"x{layer + 1}")
    shape = [1, "length", size.hidden]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "bert",
            [helper.make_tensor_value_info(INPUT_WORDS, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_MS, 1)],
        ir_version=_IR_VERSION,
    )
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants as they are added."""

    def __init__(self, weights: BertWeights) -> None:
        self._weights, self._size = weights, weights.size
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._scalars()

    def _scalars(self) -> None:
        self.constant("levels", np.float32(127))
        self.constant("zero_point", np.uint8(128))
        self.constant("tiny", np.float32(1e-9))
        self.constant("last_axis", np.array([-1], np.int64))
        self.constant("flat", np.array([-1], np.int64))

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def add(self, operator: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: object) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def embed(self) -> str:
        """Word vectors plus positions plus the one token type."""
        positions = self._weights.tensor("embeddings.position_embeddings.weight")[: self._size.positions]
        kinds = self._weights.tensor("embeddings.token_type_embeddings.weight")
        self.constant("positions", positions + kinds[0])
        self.constant("zero", np.array([0], np.int64))
        self.add("Shape", [INPUT_WORDS], ["length"], start=1, end=2)
        self.add("Slice", ["positions", "zero", "length", "zero"], ["used_positions"])
        self.add("Expand", ["zero_point", "length"], ["zero_points"])
        return self.add("Add", [INPUT_WORDS, "used_positions"], ["embedded"])

    def layer_norm(self, x: str, name: str, output: str) -> str:
        parameters = [
            self.constant(f"{name}.{kind}", self._weights.tensor(f"{name}.{kind}")) for kind in ("weight", "bias")
        ]
        return self.add("LayerNormalization", [x, *parameters], [output], epsilon=self._size.norm_eps)

    def layer(self, number: int, x: str, output: str) -> None:
        """Self-attention and feed-forward, each added to its input and normalised (post-norm)."""
        base = f"encoder.layer.{number}"
        product, bias = self.linear(
            x, [f"{base}.attention.self.{part}" for part in ("query", "key", "value")], f"{base}.qkv"
        )
        split = [f"{base}.{part}" for part in "qkv"]
        self.add("Split", [product], split, axis=-1, num_outputs=3)
        attended = self.add(
            "MultiHeadAttention",
            [*split, bias],
            [f"{base}.attended"],
            _MS,
            num_heads=self._size.heads,
        )
        middle = self.add_and_norm(x, attended, f"{base}.attention.output", f"{base}.middle")
        product, bias = self.linear(middle, [f"{base}.intermediate.dense"], f"{base}.wide")
        active = self.add("BiasGelu", [product, bias], [f"{base}.active"], _MS)
        self.add_and_norm(middle, active, f"{base}.output", output)

    def add_and_norm(self, residual: str, x: str, name: str, output: str) -> str:
        """Three operators, because the fused SkipLayerNormalization goes through a token value by value and takes thrice as long."""
        product, bias = self.linear(x, [f"{name}.dense"], name)
        self.add("Add", [product, bias], [f"{name}.biased"])
        total = self.add("Add", [f"{name}.biased", residual], [f"{name}.total"])
        return self.layer_norm(total, f"{name}.LayerNorm", output)

    def linear(self, x: str, names: list[str], output: str) -> tuple[str, str]:
        """x times the weights of ``names`` side by side, without the bias: (product, bias)."""
        weight = np.concatenate([self._weights.tensor(f"{name}.weight") for name in names]).T  # (in, out)
        bias = np.concatenate([self._weights.tensor(f"{name}.bias") for name in names])
        scales = np.maximum(np.abs(weight).max(axis=0), 1e-12) / _MAX_WEIGHT_CODE
        codes = np.rint(weight / scales).astype(np.int8)
        column_scales = self.constant(f"{output}.scales", scales.astype(np.float32))
        x_codes, x_scale = self.quantise(x, output)
        inputs = [x_codes, self.constant(f"{output}.codes", codes), x_scale, column_scales, "zero_point"]
        product = self.add("MatMulIntegerToFloat", inputs, [f"{output}.product"], _MS)
        return product, self.constant(f"{output}.bias", bias)

    def quantise(self, x: str, name: str) -> tuple[str, str]:
        """Each token to 1..255 around 128 by its largest value: (codes uint8, scale (1, length, 1))."""
        self.add("ReduceMax", [x, "last_axis"], [f"{name}.highest"], keepdims=1)
        self.add("ReduceMin", [x, "last_axis"], [f"{name}.lowest"], keepdims=1)
        self.add("Neg", [f"{name}.lowest"], [f"{name}.deepest"])
        self.add("Max", [f"{name}.highest", f"{name}.deepest", "tiny"], [f"{name}.largest"])
        scale = self.add("Div", [f"{name}.largest", "levels"], [f"{name}.scale"])
        self.add("Reshape", [scale, "flat"], [f"{name}.scale_of_token"])
        inputs = [x, f"{name}.scale_of_token", "zero_points"]
        return self.add("QuantizeLinear", inputs, [f"{name}.codes_in"], axis=1), scale
