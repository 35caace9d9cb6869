"""What is in all shards: documents, failures, numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.shards.cluster import Cluster, Round
from pagesight.engine.shards.wire import Json
from pagesight.storage.closing import Closing
from pagesight.storage.stored import StoredDocument, StoredFailure, Totals

if TYPE_CHECKING:
    from pagesight.storage.manifest import Space

SUMMED = tuple(field.name for field in fields(Totals) if not field.name.startswith("n_failed"))


class ClusterView(Closing):
    """Each round sees the shards as they are then: a state of one moment is promised by none of them.

    missing: shards that did not answer so far, and why; always empty unless partial answers were asked for.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.asking = Round(cluster)

    @property
    def missing(self) -> dict[str, str]:
        return self.asking.missing

    @property
    def space(self) -> Space:
        return self.asking.cluster.space

    @property
    def generation(self) -> int:
        """The sum of the shards'; grows with every change."""
        if not self.asking.generations:
            self.asking.all("vocabulary", {"prefixes": [], "terms": []})
        return sum(self.asking.generations.values())

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        return self.some_documents(filters, 0, None)[1]

    def some_documents(self, filters: str | None, offset: int, limit: int | None) -> tuple[int, list[StoredDocument]]:
        """How many there are, and those from ``offset`` on; no shard is asked for more than it may have of them."""
        most = None if limit is None else offset + limit
        answers = [a for a in self.asking.all("documents", {"filters": filters, "limit": most}) if a is not None]
        rows = merge(
            *(map(_document, answer["documents"]) for answer in answers), key=lambda one: (one.document, one.sha256)
        )
        found = list(_once(rows))[offset:most]
        return sum(answer["total"] for answer in answers), found

    def failures(self) -> list[StoredFailure]:
        """A file that no shard can open is said once."""
        found: dict[tuple[str, int], StoredFailure] = {}
        for answer in self.asking.all("failures", {}):
            for row in answer["failures"] if answer else ():
                failure = StoredFailure(**{**row, "location": Path(row["location"])})
                found.setdefault((failure.document, failure.page), failure)
        return [found[key] for key in sorted(found)]

    def totals(self) -> Totals:
        answers = [answer["totals"] for answer in self.asking.all("totals", {}) if answer is not None]
        failed = self.failures() if any(a["n_failed_files"] or a["n_failed_pages"] for a in answers) else []
        return Totals(
            **{name: sum(answer[name] for answer in answers) for name in SUMMED},
            n_failed_files=sum(one.page == 0 and one.status == "failed" for one in failed),
            n_failed_pages=sum(one.page > 0 for one in failed),
        )

    def close(self) -> None:
        """Nothing is held."""


def _document(row: Json) -> StoredDocument:
    """Where files lie is the shard's own affair."""
    notes = tuple((page, note) for page, note in row["notes"])
    some = {"names": tuple(row["names"]), "locations": (), "ocr_pages": tuple(row["ocr_pages"]), "notes": notes}
    return StoredDocument(**{**row, **some})


def _once(rows: Iterator[StoredDocument]) -> Iterator[StoredDocument]:
    """What is attached to files of two parts is in both."""
    seen = set()
    for row in rows:
        if row.sha256 not in seen:
            seen.add(row.sha256)
            yield row
