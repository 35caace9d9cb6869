"""The ColPali family: transformers' own late-interaction classes (ColPali, ColQwen2, ColModernVBert) as an Encoder.

Faysse et al. 2024, "ColPali: Efficient Document Retrieval with Vision Language Models", arXiv:2407.01449. These models were
trained for token vectors only: their single vector is the mean of the token vectors, good enough to choose candidates by.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from torch import Tensor

from pagesight.engine.config import ModelConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.models.files.cache import remembered_sha256
from pagesight.engine.models.files.safetensor_files import read_headers, weight_files
from pagesight.engine.models.on_torch.batching import Packer
from pagesight.engine.models.on_torch.grid import Float, Grid
from pagesight.engine.models.on_torch.runtime import Placement, place, require_memory
from pagesight.engine.models.table import read_config
from pagesight.engine.models.verify import Report
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import BadCheckpoint, EmptyQuery, UnreadableDocument
from pagesight.storage.values import EncodedPage

CLASSES = {kind: (f"{name}ForRetrieval", f"{name}Processor") for kind, name in (
    ("colpali", "ColPali"), ("colqwen2", "ColQwen2"), ("colmodernvbert", "ColModernVBert"),
)}  # fmt: skip
OVERSAMPLING = 2  # of pixels when pages are drawn, which the processor then shrinks
_INPUT_NAMES = (
    "input_ids",
    "attention_mask",
    "pixel_values",
    "image_grid_thw",
    "pixel_attention_mask",
    "token_type_ids",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One page or question as the processor gives it, in a batch of one. boxes: of picture tokens."""

    inputs: dict[str, Tensor]
    boxes: Float

    @property
    def shape(self) -> tuple[tuple[int, ...], ...]:
        """Rows of equal shape share a batch, so nothing is padded."""
        return tuple(tuple(tensor.shape) for tensor in self.inputs.values())


class LateInteractionEncoder:
    """An Encoder over the pictures of pages."""

    reads_words = True
    opening_weight = 0.0  # these models were measured a page at a time
    trained_single = False
    pages_at_once = 8

    def __init__(
        self, name: str, kind: str, model: Any, processor: Any, placement: Placement, files_sha256: str
    ) -> None:
        self.name, self._kind, self._model, self._processor = name, kind, model, processor
        self._device = torch.device(placement.device)
        self._packer = Packer(placement.batch_tokens)
        self.single_dim = self.token_dim = int(model.config.embedding_dim)
        self.image_pixels = OVERSAMPLING * _largest_picture(processor.image_processor)
        identity = [files_sha256, kind, processor.visual_prompt_prefix, processor.query_prefix, self.image_pixels]
        self.fingerprint = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        tokenizer = processor.tokenizer
        self._special = sorted({*tokenizer.all_special_tokens, processor.image_token}, key=len, reverse=True)

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """Each page as a picture. Raises UnreadableDocument for one that the processor refuses."""
        rows = [self._picture(page) for page in pages]
        return [
            EncodedPage(_mean(tokens), tokens, self._boxes(row))
            for row, tokens in zip(rows, self._run(rows), strict=True)
        ]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        """All tokens count, those that the processor adds for the model to think with included."""
        rows = []
        for text in texts:
            if not any(map(str.isalnum, text)):
                raise EmptyQuery(text)
            rows.append(
                _Row(_used(self._processor.process_queries(text=[self._escaped(text)])), np.empty((0, 4), np.float32))
            )
        queries = []
        for row, tokens in zip(rows, self._run(rows), strict=True):
            said = tuple(self._processor.tokenizer.decode([token]) for token in row.inputs["input_ids"][0].tolist())
            queries.append(EncodedQuery(_mean(tokens), tokens, said))
        return queries

    def _picture(self, page: PageContent) -> _Row:
        assert page.image is not None, "the reader was not told image_pixels"
        try:
            inputs = self._processor.process_images(images=[Image.fromarray(page.image)])
        except ValueError as error:  # too thin
            raise UnreadableDocument(f"page {page.number}: {error}") from error
        height_px, width_px = page.image.shape[:2]
        return _Row(_used(inputs), self._cells(inputs, width_px, height_px))

    def _cells(self, inputs: Any, width_px: int, height_px: int) -> Float:
        """Where each picture token is, in the order of the tokens."""
        images = self._processor.image_processor
        if self._kind == "colqwen2":
            _, rows, columns = inputs["image_grid_thw"][0].tolist()
            return Grid(rows // images.merge_size, columns // images.merge_size).boxes()
        if self._kind == "colpali":
            side = math.isqrt(self._processor.image_seq_length)
            return Grid(side, side).boxes()
        _, rows, columns = images.get_number_of_image_patches(height_px, width_px, {})
        return tiled_boxes(rows, columns, math.isqrt(self._processor.image_seq_len))

    def _boxes(self, row: _Row) -> Float:
        """Of all tokens; those of the prompt are nowhere on the page, a box without area says."""
        ids = row.inputs["input_ids"][0].numpy()
        boxes = np.zeros((len(ids), 4), np.float32)
        boxes[ids == self._processor.image_token_id] = row.boxes
        return boxes

    def _run(self, rows: Sequence[_Row]) -> list[Float]:
        """Token vectors of each row: (n_tokens, dim) float32, unit rows."""
        results: dict[int, Float] = {}
        by_shape: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for i, row in enumerate(rows):
            by_shape.setdefault(row.shape, []).append(i)
        for alike in by_shape.values():
            lengths = [rows[i].inputs["input_ids"].shape[1] for i in alike]
            found = self._packer.run([rows[i] for i in alike], lengths, self._forward)
            results.update(zip(alike, found, strict=True))
        return [results[i] for i in range(len(rows))]

    def _forward(self, rows: list[_Row]) -> list[Float]:
        names = rows[0].inputs
        inputs = {name: torch.cat([row.inputs[name] for row in rows]).to(self._device) for name in names}
        with torch.inference_mode():
            if "image_grid_thw" in inputs:
                inputs["position_ids"] = self._positions(inputs)
            vectors = self._model(**inputs).embeddings.float()
        return list(torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy())

    def _positions(self, inputs: dict[str, Tensor]) -> Tensor:
        """Positions in three dimensions, as the model was trained; its class in transformers 5 numbers in one."""
        pictures = (inputs["input_ids"] == self._processor.image_token_id).int()
        positions, _ = self._model.vlm.get_rope_index(
            inputs["input_ids"], pictures, inputs["image_grid_thw"], attention_mask=inputs["attention_mask"]
        )
        found: Tensor = positions
        return found

    def _escaped(self, text: str) -> str:
        """Text that looks like a special token, broken up."""
        for token in self._special:
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return text


def tiled_boxes(rows: int, columns: int, side: int) -> Float:
    """Boxes of a picture cut into tiles of side x side tokens each, the whole picture, small, as the last tile.

    rows, columns: of tiles; 0 for a picture that is not cut.
    """
    cell = Grid(side, side).boxes()
    tiles = [
        (cell + np.array((column, row, column, row))) / (columns, rows, columns, rows)
        for row in range(rows)
        for column in range(columns)
    ]
    return np.concatenate([*tiles, cell]).astype(np.float32)


def load(name: str, folder: Path | None, config: ModelConfig) -> LateInteractionEncoder:
    """Load a checkpoint. Raises BadCheckpoint, WeightsMissing, ConfigError."""
    assert folder is not None, "its weights come with no package"
    kind = str(read_config(folder)["model_type"])
    files = weight_files(folder)
    placement = place(config.device, config.dtype, config.batch_tokens)
    n_weights = sum(math.prod(info.shape) for info in read_headers(files).values())
    require_memory(n_weights, placement.dtype, placement.device)
    model_class, processor_class = (getattr(transformers, class_name) for class_name in CLASSES[kind])
    transformers.utils.logging.disable_progress_bar()
    verbosity = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()  # it recommends torchvision, and reports what is checked below
    try:
        processor = processor_class.from_pretrained(folder, local_files_only=True)
        model, loaded = model_class.from_pretrained(
            folder,
            dtype=getattr(torch, placement.dtype),
            device_map={"": placement.device} if placement.device != "cpu" else None,
            attn_implementation=placement.attention,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported with the others
            local_files_only=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise BadCheckpoint(folder, [str(error)]) from error
    finally:
        transformers.utils.logging.set_verbosity(verbosity)
    unused = "lm_head"  # an output over words
    problems = [f"{what}: {found}" for what, names in loaded.items() for found in names if unused not in str(found)]
    if problems:
        raise BadCheckpoint(folder, problems)
    if config.compile:
        model.compile(dynamic=True)
    every = sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors"))
    digest = hashlib.sha256("".join(map(remembered_sha256, every)).encode()).hexdigest()
    return LateInteractionEncoder(name, kind, model.eval(), processor, placement, digest)


def verify(folder: Path, device: str) -> Report:
    """Load it, which accepts no tensor more or less. Raises BadCheckpoint, WeightsMissing."""
    n_tensors = len(read_headers(weight_files(folder)))
    load(str(folder), folder, ModelConfig(device=device))
    return Report(str(read_config(folder)["model_type"]), n_tensors, [])


def _used(inputs: Any) -> dict[str, Tensor]:
    """What the model is given of what the processor made."""
    return {name: inputs[name] for name in _INPUT_NAMES if name in inputs}


def _largest_picture(images: Any) -> int:
    """Pixels of the largest picture that is not shrunk."""
    size = dict(images.size)
    if size.get("height") and size.get("width"):
        return int(size["height"] * size["width"])
    edge = int(size["longest_edge"])
    return edge if hasattr(images, "merge_size") else edge**2  # Qwen2-VL's "edges" are areas


def _mean(tokens: Float) -> Float:
    mean = tokens.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
