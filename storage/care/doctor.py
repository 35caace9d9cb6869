"""Examining an index: is everything there, and is it what was written?

What is derived (the terms for BM25) is put right on the spot. Vectors are not derived: a damaged record can only be made
again from its file, so its document is named, and on request dropped for the next run to read anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, insert, select, text, update

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.recall.vector_index import is_whole, saved
from pagesight.storage.store import Store
from pagesight.storage.tables.database import write_transaction
from pagesight.storage.tables.rows import delete_documents
from pagesight.storage.tables.schema import document, file, index_state, page, page_terms, page_text
from pagesight.storage.tables.words import fold
from pagesight.storage.vectors.codecs import Int8Codec, codec_named
from pagesight.storage.vectors.page_rows import LEVELS, RowFile, means_name, pack_means, read_singles
from pagesight.storage.vectors.segments import RecordRef, SegmentReader, segment_path

BATCH_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. ``repaired``: it is now."""

    problem: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """The result. ``damaged``: names of documents with vectors or words that are lost or changed."""

    n_documents: int
    n_pages: int
    findings: tuple[Finding, ...]
    damaged: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return all(finding.repaired for finding in self.findings)


def examine(store: Store, *, drop_damaged: bool = False) -> Examination:
    """Read and check the whole index; needs the right to write. Raises StoreLocked."""
    with store.write_lock(), write_transaction(store.engine, store.folder) as connection:
        doctor = _Doctor(store, connection)
        doctor.check_database()
        doctor.check_records()
        doctor.check_singles()
        doctor.check_means()
        doctor.check_recall()
        doctor.check_terms()
        doctor.check_names()
        return doctor.conclude(drop_damaged)


class _Doctor:
    def __init__(self, store: Store, connection: Connection) -> None:
        self._store, self._connection = store, connection
        self._findings: list[Finding] = []
        self._damaged: set[int] = set()  # document ids
        self._pages = connection.execute(select(page)).all()

    def check_database(self) -> None:
        for (answer,) in self._connection.exec_driver_sql("PRAGMA integrity_check"):
            if answer != "ok":
                self._findings.append(Finding(f"metadata.db: {answer}"))
        for row in self._connection.exec_driver_sql("PRAGMA foreign_key_check"):
            self._findings.append(Finding(f"metadata.db: table {row[0]} has a row that belongs to nothing"))

    def check_records(self) -> None:
        segments = SegmentReader(self._store.folder)
        try:
            for row in self._pages:
                try:
                    segments.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32), verify=True)
                except StoreCorrupt as error:
                    self._lose(row.document_id, str(error).removesuffix("; run: pagesight doctor"))
        finally:
            segments.close()

    def check_singles(self) -> None:
        dim = self._store.manifest.single_dim
        for start in range(0, len(self._pages), BATCH_PAGES):
            rows = self._pages[start : start + BATCH_PAGES]
            try:
                singles = read_singles(self._store.folder, dim, np.array([row.id for row in rows], np.int64))
            except StoreCorrupt as error:
                self._lose_many({row.document_id for row in rows}, str(error).removesuffix("; run: pagesight doctor"))
                continue
            lengths = np.linalg.norm(singles, axis=1)
            expected = np.array([row.n_tokens > 0 for row in rows], np.float32)
            for i in np.flatnonzero(~(np.abs(lengths - expected) < 0.01)).tolist():  # also catches NaN
                self._lose(
                    rows[i].document_id, f"the single vector of page id {rows[i].id} has length {lengths[i]:.3g}"
                )

    def check_means(self) -> None:
        """Means of token vectors are made again from the token vectors, which were checked before."""
        manifest, folder = self._store.manifest, self._store.folder
        codec, means_codec = codec_named(manifest.codec, manifest.token_dim), Int8Codec(manifest.token_dim)
        wrong: set[int] = set()
        for n_means in LEVELS:
            path, row_bytes = folder / means_name(n_means), means_codec.n_bytes(n_means)
            there = path.exists() and path.stat().st_size > 0
            data = np.memmap(path, np.uint8, "r") if there else np.empty(0, np.uint8)
            for row in self._pages:
                stored = data[row.id * row_bytes : (row.id + 1) * row_bytes]
                scales = stored[: 4 * n_means].view("<f4") if len(stored) == row_bytes else np.zeros(1, "<f4")
                if row.n_tokens > 0 and not (np.isfinite(scales).all() and (scales >= 0).all() and scales.any()):
                    wrong.add(row.id)
        pages = [row for row in self._pages if row.id in wrong and row.document_id not in self._damaged]
        if not pages:
            return
        segments, files = SegmentReader(folder), {means_name(n): RowFile(folder / means_name(n)) for n in LEVELS}
        for row in pages:
            record = segments.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32))
            tokens = codec.decode(record[: codec.n_bytes(row.n_tokens)], row.n_tokens)
            for name, means in pack_means(tokens).items():
                files[name].write(row.id, means)
        for rows in files.values():
            rows.sync()
            rows.close()
        segments.close()
        self._findings.append(Finding(f"{len(pages)} pages could not be found by their tokens", repaired=True))

    def check_recall(self) -> None:
        """Inverted lists that cannot be read are removed; the next writer makes them again."""
        for path, _ in saved(self._store.folder):
            if not is_whole(path):
                path.unlink()
                self._findings.append(Finding(f"{path} could not be read; it will be made again", repaired=True))

    def check_terms(self) -> None:
        words = {
            row.page_id: row.words for row in self._connection.execute(select(page_text.c.page_id, page_text.c.words))
        }
        stored = {row.rowid: row.terms for row in self._connection.execute(select(page_terms))}
        for row in self._pages:
            if row.id not in words:
                self._lose(row.document_id, f"the words of page id {row.id} are missing")
        expected = {page_id: fold(text_.replace("\n", " ")) for page_id, text_ in words.items()}
        wrong = {page_id for page_id in expected.keys() | stored.keys() if expected.get(page_id) != stored.get(page_id)}
        if wrong:
            self._connection.execute(text("DELETE FROM page_terms"))
            rows = [{"rowid": page_id, "terms": terms} for page_id, terms in sorted(expected.items())]
            if rows:
                self._connection.execute(insert(page_terms), rows)
            self._findings.append(
                Finding(f"the words of {len(wrong)} pages were not searchable as stored", repaired=True)
            )

    def check_names(self) -> None:
        nameless = select(document.c.id).where(document.c.id.not_in(select(file.c.document_id)))
        for document_id in self._connection.execute(nameless).scalars():
            self._lose(document_id, f"document {document_id} belongs to no file")

    def conclude(self, drop_damaged: bool) -> Examination:
        names = {
            row.document_id: row.path
            for row in self._connection.execute(select(file.c.document_id, file.c.path).order_by(file.c.path.desc()))
        }
        damaged = tuple(sorted(names.get(i, f"(document {i})") for i in self._damaged))
        findings = tuple(self._findings)
        n_documents = len(self._connection.execute(select(document.c.id)).all())
        if drop_damaged and self._damaged:
            self._drop()
            findings = tuple(Finding(found.problem, repaired=True) for found in findings)
        return Examination(n_documents, len(self._pages), findings, damaged)

    def _drop(self) -> None:
        connection = self._connection
        delete_documents(connection, sorted(self._damaged))
        connection.execute(update(index_state).values(generation=index_state.c.generation + 1))
        state = connection.execute(select(index_state)).one()
        path = segment_path(self._store.folder, state.segment)
        if not path.exists() or os.path.getsize(path) < state.segment_bytes:  # go on behind the loss
            connection.execute(update(index_state).values(segment=state.segment + 1, segment_bytes=0))

    def _lose(self, document_id: int, problem: str) -> None:
        self._damaged.add(document_id)
        self._findings.append(Finding(problem))

    def _lose_many(self, document_ids: set[int], problem: str) -> None:
        self._damaged |= document_ids
        self._findings.append(Finding(problem))
