"""What a store in memory holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.stored import StoredFailure
from pagesight.storage.values import DocumentInfo, KnownFailure, NewPage, PackedPage, SourceFile


@dataclass(frozen=True, slots=True, eq=False)
class MemoryPage:
    id: int
    new: NewPage
    packed: PackedPage
    tokens: NDArray[np.float32]  # as the codec keeps them
    boxes: NDArray[np.float32]  # of these


@dataclass(frozen=True, slots=True, eq=False)
class MemoryDocument:
    info: DocumentInfo
    n_bytes: int
    added_at: str
    pages: tuple[MemoryPage, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MemoryState:
    """Never changed: a commit puts another in its place, and views keep the one they were opened with.

    documents: by SHA-256. files: by location, (SHA-256, file). failures: by location and page number or 0.
    """

    generation: int = 0
    next_page_id: int = 1
    documents: dict[str, MemoryDocument] = field(default_factory=dict)
    files: dict[bytes, tuple[str, SourceFile]] = field(default_factory=dict)
    failures: dict[tuple[bytes, int], StoredFailure] = field(default_factory=dict)
    failed_files: dict[bytes, KnownFailure] = field(default_factory=dict)
