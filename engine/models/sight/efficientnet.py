"""EfficientNet-lite0 as an ONNX graph, without its classes: pixels to 1,280 features.

Tan & Le 2019, "EfficientNet", arXiv:1905.11946; the lite variants leave out squeeze-and-excitation and have ReLU6 for swish
(github.com/tensorflow/tpu, models/official/efficientnet/lite). Batch norms are folded into the convolutions before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRAPH_VERSION = 1  # part of the fingerprint: grows when the same weights would give other features
PIXELS, FEATURES = "pixels", "features"
SIDE = 224
N_FEATURES = 1280
_MEAN, _SCALE, _EPSILON = 127.0, 128.0, 1e-3
_STAGES = (  # repeats, kernel, stride of the first, expansion: table 1 of the paper
    (1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6),
)  # fmt: skip
_OPSET, _IR_VERSION = 18, 8

Tensors = Mapping[str, NDArray[np.float32]]


def build_graph(tensors: Tensors) -> bytes:
    """The serialised model. tensors: of the checkpoint, by name; LookupError if one is missing.

    Input: pixels (batch, 224, 224, 3) uint8 RGB. Output: features (batch, 1280) float32, the mean over the last map.
    """
    from onnx import TensorProto, helper

    graph = _Graph(tensors)
    graph.add("Cast", [PIXELS], "float", to=TensorProto.FLOAT)
    graph.add("Transpose", ["float"], "planes", perm=[0, 3, 1, 2])
    graph.add("Sub", ["planes", graph.constant("mean", np.float32(_MEAN))], "centred")
    x = graph.add("Div", ["centred", graph.constant("scale", np.float32(_SCALE))], "x")
    x = graph.convolution(x, "_conv_stem", "_bn0", stride=2)
    number = 0
    for repeats, kernel, first_stride, expansion in _STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = graph.block(x, f"_blocks.{number}", kernel, stride, expands=expansion > 1)
            number += 1
    x = graph.convolution(x, "_conv_head", "_bn1")
    graph.add("GlobalAveragePool", [x], "pooled")
    graph.add("Flatten", ["pooled"], FEATURES)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
            [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["batch", N_FEATURES])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants as they are added."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def block(self, x: str, name: str, kernel: int, stride: int, *, expands: bool) -> str:
        """An inverted residual: wide, a filter a channel, narrow again; added to its input where the shapes allow."""
        n_in = self._tensors[f"{name}.{'_expand' if expands else '_depthwise'}_conv.weight"].shape[int(expands)]
        y = self.convolution(x, f"{name}._expand_conv", f"{name}._bn0") if expands else x
        y = self.convolution(y, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, kernel=kernel)
        n_out = self._tensors[f"{name}._project_conv.weight"].shape[0]
        y = self.convolution(y, f"{name}._project_conv", f"{name}._bn2", active=False)
        has_skip = stride == 1 and (
            n_out == n_in if expands else n_out == self._tensors[f"{name}._depthwise_conv.weight"].shape[0]
        )
        return self.add("Add", [x, y], f"{name}.sum") if has_skip else y

    def convolution(
        self, x: str, name: str, norm: str, *, stride: int = 1, kernel: int = 0, active: bool = True
    ) -> str:
        """Padded as TensorFlow does ("same"), the batch norm folded in."""
        weight = self._tensors[f"{name}.weight"]
        factor = self._tensors[f"{norm}.weight"] / np.sqrt(self._tensors[f"{norm}.running_var"] + _EPSILON)
        bias = self._tensors[f"{norm}.bias"] - self._tensors[f"{norm}.running_mean"] * factor
        output = f"{name}.out"
        self.add(
            "Conv",
            [
                x,
                self.constant(f"{name}.w", (weight * factor[:, None, None, None]).astype(np.float32)),
                self.constant(f"{name}.b", bias.astype(np.float32)),
            ],
            output,
            auto_pad="SAME_UPPER",
            strides=[stride, stride],
            group=weight.shape[0] if kernel else 1,
            kernel_shape=list(weight.shape[2:]),
        )
        if not active:
            return output
        if not any(constant.name == "six" for constant in self.constants):
            self.constant("none", np.float32(0))
            self.constant("six", np.float32(6))
        return self.add("Clip", [output, "none", "six"], f"{name}.active")
