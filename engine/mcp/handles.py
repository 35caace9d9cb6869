"""How answers to agents name documents: by their names, and by what is in them too where several have one name.

Ids are all that many clients send back, so they have to say which document is meant: ``report.pdf`` or ``report.pdf@9f86d081884c``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pagesight.storage.errors import ConfigError
from pagesight.storage.filters import quoted
from pagesight.storage.names import nfc

if TYPE_CHECKING:
    from pagesight.engine.searcher import Searcher
    from pagesight.storage.stored import StoredDocument

N_DIGITS = 12  # of a SHA-256: enough to tell files of one name apart
_MARKED = re.compile(rf"(.+)@([0-9a-f]{{{N_DIGITS}}})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Handle:
    """alone: no other document has this name."""

    name: str
    sha256: str
    alone: bool

    def __str__(self) -> str:
        return self.name if self.alone else f"{self.name}@{self.sha256[:N_DIGITS]}"


def handles(searcher: Searcher, documents: Collection[tuple[str, str]]) -> list[Handle]:
    """Of each document, given as its name and SHA-256."""
    asked = {name for name, _ in documents}
    known = Counter(name for one in named(searcher, *asked) for name in asked.intersection(one.names))
    return [Handle(name, sha256, known[name] < 2) for name, sha256 in documents]


def meant(searcher: Searcher, handle: str) -> tuple[str, str | None]:
    """The name of a document and its SHA-256; None where the name alone is said."""
    marked = _MARKED.fullmatch(handle)
    if marked is not None:
        name, mark = marked.groups()
        for one in named(searcher, name):
            if one.sha256.startswith(mark):
                return name, one.sha256
    return handle, None


def named(searcher: Searcher, *names: str) -> Sequence[StoredDocument]:
    """The documents that have one of these names."""
    if not names:
        return []
    try:
        return searcher.documents(f"document in ({', '.join(map(quoted, names))})")
    except ConfigError:  # a filter has no way to say such a name
        wanted = set(map(nfc, names))
        return [one for one in searcher.documents() if not wanted.isdisjoint(one.names)]
