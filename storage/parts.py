"""Parts of a whole: which documents one of N servers owns.

A document belongs to a part by its content, the first 64 bits of its SHA-256: part I of N owns the I-th of N equal pieces of
them. So whoever has a document knows its part without asking anybody, and when N is doubled each part is halved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from pagesight.storage.errors import ConfigError

MOST = 1_024
ELSEWHERE = "elsewhere"  # status of a file that is another part's, where failures are remembered; it is none
_FORM = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Part:
    """Part ``number``, from 1, of ``of``."""

    number: int
    of: int

    def __post_init__(self) -> None:
        if not (1 <= self.of <= MOST and 1 <= self.number <= self.of):
            raise ConfigError(f"a part is I/N with I from 1 to N, and N at most {MOST}, not {self}")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of "2/4". Raises ConfigError."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ConfigError(f"a part is I/N, as 2/4, not {text!r}")
        return cls(int(match[1]), int(match[2]))

    def owns(self, sha256: str) -> bool:
        """sha256: of a document, in hexadecimal."""
        return self.start <= sha256[:16] and (self.number == self.of or sha256[:16] < self.stop)

    @property
    def start(self) -> str:
        """The first 16 digits of a SHA-256 that is owned; ``stop`` is the first that is not."""
        return _digits(self.number - 1, self.of)

    @property
    def stop(self) -> str:
        return _digits(self.number, self.of)

    @property
    def filters(self) -> str:
        """The same as a filter (storage.filters)."""
        last = self.number == self.of
        return f"sha256 >= {self.start}" + ("" if last else f" and sha256 < {self.stop}")

    @property
    def reason(self) -> str:
        """Why a file is left out."""
        return f"it is not of part {self}"


def _digits(number: int, of: int) -> str:
    return f"{min((number << 64) // of, 2**64 - 1):016x}"
