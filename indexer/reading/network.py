"""A network on pictures, in ONNX Runtime, on one thread: several processes read at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Network:
    """One array in, some out."""

    def __init__(self, model: Path | bytes) -> None:
        """model: ONNX, a file or what would be in it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Layers hand on their memory through an arena; without it, or with a plan kept for each size of picture, a page takes
        # a fifth more time (the system clears fresh memory) and twice the memory.
        options.enable_cpu_mem_arena = True
        options.enable_mem_pattern = False
        provider = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
        data = model if isinstance(model, bytes) else str(model)
        self._session: Any = onnxruntime.InferenceSession(data, options, providers=[provider])
        self._input = self._session.get_inputs()[0].name
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def __call__(self, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """values: (n, 3, height_px, width_px) of a network on pictures. Returns all that it gives."""
        return [np.asarray(answer, np.float32) for answer in self._session.run(None, {self._input: values})]
