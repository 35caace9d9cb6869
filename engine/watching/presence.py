"""Whether a file that is not there was deleted, or its disk is merely not mounted. In doubt it is kept.

It was deleted if (1) every file system it was ever seen on is mounted, and (2) the nearest folder above it that is still there has a
document in it or below, or had one since we began. A share that is not mounted leaves an empty folder or none.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

MEMORY_NAME = "mounts.json"


class Presence:
    """Remembers folders with documents while it lives, and mount points for ever where it has a file to."""

    def __init__(self, roots: Iterable[Path], index_folder: Path | None) -> None:
        """roots: folders that are looked at. index_folder: where mount points are remembered; None: nowhere."""
        self._roots = set(roots)
        self._memory = None if index_folder is None else index_folder / MEMORY_NAME
        self._populated: set[Path] = set()
        self._mounts = _remembered(self._memory)

    def saw(self, locations: Iterable[Path]) -> None:
        """These files are there now."""
        new = {location.parent for location in locations} - self._populated
        mounts = set(self._mounts)
        for folder in new:
            for place in (folder, *folder.parents):
                if place in self._populated:
                    break
                if os.path.ismount(place) and place != place.parent:
                    mounts.add(place)
                if place == place.parent:
                    break
                self._populated.add(place)
        if mounts != self._mounts:
            self._mounts = mounts
            self._remember()

    def is_deleted(self, location: Path) -> bool:
        """Of a file that is not there, below one of the roots."""
        if any(mount in location.parents and not os.path.ismount(mount) for mount in self._mounts):
            return False
        for folder in location.parents:
            if os.path.isdir(folder):
                return folder in self._populated
            if folder in self._roots:
                return False
        return False

    def _remember(self) -> None:
        if self._memory is None:
            return
        temporary = self._memory.with_name(f"{self._memory.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):  # a full disk: the next start knows less, and keeps more
            temporary.write_text(json.dumps(sorted(map(os.fspath, self._mounts))), encoding="utf-8")
            os.replace(temporary, self._memory)


def _remembered(memory: Path | None) -> set[Path]:
    try:
        return set() if memory is None else set(map(Path, json.loads(memory.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return set()
