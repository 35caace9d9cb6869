"""Which files clients may have indexed by their path: those at or below the allowed folders, links resolved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pagesight.engine.server.errors import NotAllowed


def allowed_paths(paths: Sequence[str], folders: Sequence[Path]) -> list[Path]:
    """These paths without links in them. Raises NotAllowed.

    A path outside is answered like one that is not there: nobody learns what lies on this machine.
    """
    found = []
    for text in paths:
        resolved = os.path.realpath(text) if os.path.isabs(text) and "\0" not in text else ""
        if not is_allowed(resolved, folders) or not os.path.exists(resolved):
            raise NotAllowed(f"{text[:200]!r} is not at or below a folder that may be indexed, or is not there")
        found.append(Path(resolved))
    return found


def is_allowed(path: str | Path, folders: Sequence[Path]) -> bool:
    """Whether what this leads to is at or below one of the folders."""
    place = os.path.realpath(path) if path else ""
    tops = [os.path.realpath(folder) for folder in folders]
    return any(place == top or place.startswith(top.rstrip("/") + "/") for top in tops)
