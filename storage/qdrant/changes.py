"""What can happen to an index, one value each: written into its log as JSON, and done here to tables like the embedded store's.

Whoever does all of them in their order comes to the same documents, names and page ids.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self

from sqlalchemy import Connection, delete, insert, select, update

from pagesight.storage.moving.catalogue import PageRow
from pagesight.storage.qdrant.payload import file_fields, file_of, pictures_of, quoted, unquoted
from pagesight.storage.qdrant.points import Payload
from pagesight.storage.qdrant.tables import dropped, retired
from pagesight.storage.tables.pictures import picture_row
from pagesight.storage.tables.rows import Names, delete_documents, in_parts, put_document, put_failures, put_tags
from pagesight.storage.tables.schema import document, failure, file, index_state, page, page_note, page_picture
from pagesight.storage.values import DocumentInfo, SourceFile

_NAMES = Names(Path("/"))  # an index in Qdrant lies nowhere, so that nothing is near it


class Change(Protocol):
    """verb: what it is called in the log."""

    verb: ClassVar[str]

    def fields(self) -> Payload: ...
    @classmethod
    def of(cls, fields: Payload) -> Self: ...
    def do(self, connection: Connection, at: str) -> None:
        """at: when it happened, ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Put:
    """A document in place of what its name stood for, and of what there was of the same content. draft: number of its pages' points."""

    verb: ClassVar[str] = "put"
    info: DocumentInfo
    source: SourceFile
    problems: Sequence[tuple[int, str]]
    pages: Sequence[PageRow]
    draft: int

    def fields(self) -> Payload:
        return {
            "info": asdict(self.info),
            "file": file_fields(self.source),
            "problems": [list(problem) for problem in self.problems],
            "pages": [asdict(row) for row in self.pages],
            "draft": self.draft,
        }

    @classmethod
    def of(cls, fields: Payload) -> Put:
        rows = [PageRow(**{**row, "pictures": pictures_of(row["pictures"])}) for row in fields["pages"]]
        problems = [(int(number), str(reason)) for number, reason in fields["problems"]]
        return cls(DocumentInfo(**fields["info"]), file_of(fields["file"]), problems, rows, fields["draft"])

    def do(self, connection: Connection, at: str) -> None:
        document_id = put_document(connection, self.info, self.source)
        later = update(index_state).values(next_page_id=index_state.c.next_page_id + len(self.pages))
        first = connection.execute(later.returning(index_state.c.next_page_id)).scalar_one() - len(self.pages)
        known = ("number", "width_pt", "height_pt", "text_source", "n_tokens", "n_bytes", "crc32")
        pages = [
            {
                "id": first + i,
                "document_id": document_id,
                "segment": 0,
                "offset": self.draft + i,
                **{name: getattr(row, name) for name in known},
            }
            for i, row in enumerate(self.pages)
        ]
        notes = [{"page_id": first + i, "note": row.note} for i, row in enumerate(self.pages) if row.note]
        pictures = [picture_row(first + i, seen) for i, row in enumerate(self.pages) for seen in row.pictures]
        for table, rows in ((page, pages), (page_note, notes), (page_picture, pictures)):
            if rows:
                connection.execute(insert(table), rows)
        put_tags(connection, document_id, self.info.tags)
        _NAMES.put(connection, document_id, self.source)
        put_failures(connection, self.source, [(number, "failed", reason) for number, reason in self.problems], at)


@dataclass(frozen=True, slots=True)
class Name:
    """One more file is a name of a document."""

    verb: ClassVar[str] = "name"
    sha256: str
    source: SourceFile

    def fields(self) -> Payload:
        return {"sha256": self.sha256, "file": file_fields(self.source)}

    @classmethod
    def of(cls, fields: Payload) -> Name:
        return cls(fields["sha256"], file_of(fields["file"]))

    def do(self, connection: Connection, at: str) -> None:  # noqa: ARG002
        _NAMES.put(connection, document_id(connection, self.sha256), self.source)


@dataclass(frozen=True, slots=True)
class Touch:
    """A file has another size and time, and the same content."""

    verb: ClassVar[str] = "touch"
    source: SourceFile

    def fields(self) -> Payload:
        return {"file": file_fields(self.source)}

    @classmethod
    def of(cls, fields: Payload) -> Touch:
        return cls(file_of(fields["file"]))

    def do(self, connection: Connection, at: str) -> None:  # noqa: ARG002
        location = os.fsencode(self.source.location)
        seen = {"n_bytes": self.source.n_bytes, "mtime_ns": self.source.mtime_ns}
        connection.execute(update(file).where(file.c.location == location).values(seen))
        connection.execute(delete(failure).where(failure.c.location == location, failure.c.page_number == 0))


@dataclass(frozen=True, slots=True)
class Remove:
    """Files are forgotten, and documents without a name left with them."""

    verb: ClassVar[str] = "remove"
    locations: Sequence[bytes]

    def fields(self) -> Payload:
        return {"locations": [quoted(location) for location in self.locations]}

    @classmethod
    def of(cls, fields: Payload) -> Remove:
        return cls([unquoted(location) for location in fields["locations"]])

    def do(self, connection: Connection, at: str) -> None:  # noqa: ARG002
        _NAMES.remove(connection, self.locations)


@dataclass(frozen=True, slots=True)
class Tag:
    """A document has these tags, and others as before."""

    verb: ClassVar[str] = "tag"
    sha256: str
    tags: dict[str, str]

    def fields(self) -> Payload:
        return {"sha256": self.sha256, "tags": self.tags}

    @classmethod
    def of(cls, fields: Payload) -> Tag:
        return cls(**fields)

    def do(self, connection: Connection, at: str) -> None:  # noqa: ARG002
        put_tags(connection, document_id(connection, self.sha256), self.tags)


@dataclass(frozen=True, slots=True)
class Fail:
    """A file gave no document. drop: what it held before is gone."""

    verb: ClassVar[str] = "fail"
    source: SourceFile
    status: str
    reason: str
    drop: bool

    def fields(self) -> Payload:
        rest = {"status": self.status, "reason": self.reason, "drop": self.drop}
        return {"file": file_fields(self.source), **rest}

    @classmethod
    def of(cls, fields: Payload) -> Fail:
        return cls(file_of(fields["file"]), fields["status"], fields["reason"], fields["drop"])

    def do(self, connection: Connection, at: str) -> None:
        if self.drop:
            _NAMES.remove(connection, [os.fsencode(self.source.location)])
        put_failures(connection, self.source, [(0, self.status, self.reason)], at)


@dataclass(frozen=True, slots=True)
class Discard:
    """Documents that are damaged are gone, with their names."""

    verb: ClassVar[str] = "discard"
    sha256s: Sequence[str]

    def fields(self) -> Payload:
        return {"sha256s": list(self.sha256s)}

    @classmethod
    def of(cls, fields: Payload) -> Discard:
        return cls(fields["sha256s"])

    def do(self, connection: Connection, at: str) -> None:  # noqa: ARG002
        for some in in_parts(self.sha256s):
            found = connection.execute(select(document.c.id).where(document.c.sha256.in_(some)))
            delete_documents(connection, list(found.scalars()))


@dataclass(frozen=True, slots=True)
class Swept:
    """Points of pages that were gone before a time are deleted, and those of drafts that never were committed will be."""

    verb: ClassVar[str] = "swept"
    before: str
    drafts: Sequence[int]

    def fields(self) -> Payload:
        return {"before": self.before, "drafts": list(self.drafts)}

    @classmethod
    def of(cls, fields: Payload) -> Swept:
        return cls(fields["before"], fields["drafts"])

    def do(self, connection: Connection, at: str) -> None:  # noqa: ARG002
        connection.execute(delete(retired).where(retired.c.at < self.before))
        if self.drafts:
            connection.execute(insert(dropped), [{"draft": draft} for draft in self.drafts])


CHANGES: dict[str, type[Change]] = {kind.verb: kind for kind in (Put, Name, Touch, Remove, Tag, Fail, Discard, Swept)}


def document_id(connection: Connection, sha256: str) -> int:
    found: int = connection.execute(select(document.c.id).where(document.c.sha256 == sha256)).scalar_one()
    return found


def owners(connection: Connection, locations: Sequence[bytes]) -> set[str]:
    """SHA-256 of the documents that these files are names of."""
    found: set[str] = set()
    for some in in_parts(locations):
        query = select(document.c.sha256).join_from(document, file).where(file.c.location.in_(some))
        found.update(connection.execute(query).scalars())
    return found
