"""Examining an index: is everything there, and is it what was written?

What is derived (means, the terms for BM25) is put right on the spot. Token vectors are not derived: a damaged record can only
be made again from its file, so its document is named, and on request dropped for the next run to read anew. Pages are looked
at a batch at a time, so memory does not grow with the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select, text, update

from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.folder import IndexFolder, write_lock
from pagesight.storage.recall.vector_index import is_whole, saved
from pagesight.storage.stored import Examination, Finding
from pagesight.storage.tables.database import raise_generation, write_transaction
from pagesight.storage.tables.rows import delete_documents, in_parts
from pagesight.storage.tables.schema import document, file, index_state, page, page_terms, page_text
from pagesight.storage.values import PageWords
from pagesight.storage.vectors.codecs import Int8Codec
from pagesight.storage.vectors.page_rows import (
    LEVELS,
    SINGLES_NAME,
    PageRows,
    RowFile,
    means_name,
    pack_means,
    row_sizes,
)
from pagesight.storage.vectors.segments import RecordRef, SegmentReader, segment_path, stored_words
from pagesight.storage.words import fold, fold_page

BATCH_PAGES = 1000
Pages = Sequence[Any]  # rows of the page table


def examine(folder: IndexFolder, *, drop_damaged: bool = False) -> Examination:
    """Read and check the whole index; needs the right to write. Raises StoreLocked."""
    with write_lock(folder.path), write_transaction(folder.engine, folder.path) as connection:
        doctor = _Doctor(folder, connection)
        doctor.check_database()
        for pages in doctor.batches():
            doctor.check_records(pages)
            doctor.check_singles(pages)
            doctor.check_means(pages)
            doctor.check_terms(pages)
        doctor.check_recall()
        doctor.check_names()
        doctor.check_end()
        return doctor.conclude(drop_damaged)


class _Doctor:
    def __init__(self, folder: IndexFolder, connection: Connection) -> None:
        self._folder, self._space, self._connection = folder.path, folder.space, connection
        self._codec = codec_named(folder.space.codec, folder.space.token_dim)
        self._segments = SegmentReader(folder.path)
        self._rows = PageRows(folder.path, row_sizes(folder.space.single_dim, folder.space.token_dim))
        self._findings: list[Finding] = []
        self._damaged: set[int] = set()  # document ids
        self._n_pages = self._n_wrong_means = self._n_wrong_terms = 0

    def batches(self) -> Iterator[Pages]:
        """All pages, by ascending id."""
        last = 0
        while True:
            query = select(page).where(page.c.id > last).order_by(page.c.id).limit(BATCH_PAGES)
            pages = self._connection.execute(query).all()
            if not pages:
                return
            self._n_pages += len(pages)
            yield pages
            last = pages[-1].id

    def check_database(self) -> None:
        for (answer,) in self._connection.exec_driver_sql("PRAGMA integrity_check"):
            if answer != "ok":
                self._findings.append(Finding(f"metadata.db: {answer}"))
        for row in self._connection.exec_driver_sql("PRAGMA foreign_key_check"):
            self._findings.append(Finding(f"metadata.db: table {row[0]} has a row that belongs to nothing"))

    def check_records(self, pages: Pages) -> None:
        for row in pages:
            try:
                self._segments.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32), verify=True)
            except StoreCorrupt as error:
                self._lose({row.document_id}, str(error))

    def check_singles(self, pages: Pages) -> None:
        path, row_bytes = self._folder / SINGLES_NAME, 2 * self._space.single_dim
        n_rows = path.stat().st_size // row_bytes if path.exists() else 0
        found = [row for row in pages if row.n_tokens > 0]  # nobody reads the rows of the others
        lost = [row for row in found if row.id >= n_rows]
        if lost:
            problem = f"{path} has {n_rows} rows where page {lost[-1].id} is committed"
            self._lose({row.document_id for row in lost}, problem)
        found = found[: len(found) - len(lost)]
        singles = self._rows.singles(np.array([row.id for row in found], np.int64))
        lengths = np.linalg.norm(singles, axis=1)
        for i in np.flatnonzero(~(np.abs(lengths - 1) < 0.01)).tolist():  # also catches NaN
            problem = f"the single vector of page id {found[i].id} has length {lengths[i]:.3g}"
            self._lose({found[i].document_id}, problem)

    def check_means(self, pages: Pages) -> None:
        """Means of token vectors are made again from the token vectors, which were checked before."""
        wrong = {row.id for n_means in LEVELS for row in self._without_means(pages, n_means)}
        lost = [row for row in pages if row.id in wrong and row.document_id not in self._damaged]
        if not lost:
            return
        with ExitStack() as stack:
            files = {means_name(n): stack.enter_context(closing(RowFile(self._folder / means_name(n)))) for n in LEVELS}
            for row in lost:
                record = self._segments.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32))
                tokens = self._codec.decode(record[: self._codec.n_bytes(row.n_tokens)], row.n_tokens)
                for name, means in pack_means(tokens).items():
                    files[name].write(row.id, means)
            for rows in files.values():
                rows.sync()
        self._n_wrong_means += len(lost)

    def _without_means(self, pages: Pages, n_means: int) -> Iterator[Any]:
        """Pages with token vectors whose row of means is not there, or is none."""
        path, row_bytes = self._folder / means_name(n_means), Int8Codec(self._space.token_dim).n_bytes(n_means)
        there = path.exists() and path.stat().st_size > 0
        data = np.memmap(path, np.uint8, "r") if there else np.empty(0, np.uint8)
        for row in pages:
            stored = data[row.id * row_bytes : (row.id + 1) * row_bytes]
            scales = stored[: 4 * n_means].view("<f4") if len(stored) == row_bytes else np.zeros(1, "<f4")
            if row.n_tokens > 0 and not (np.isfinite(scales).all() and (scales >= 0).all() and scales.any()):
                yield row

    def check_terms(self, pages: Pages) -> None:
        first, last = pages[0].id, pages[-1].id
        texts = select(page_text).where(page_text.c.page_id.between(first, last))
        words = {row.page_id: stored_words(row.words, row.boxes) for row in self._connection.execute(texts)}
        terms = select(page_terms).where(page_terms.c.rowid.between(first, last))
        stored = {row.rowid: row.terms for row in self._connection.execute(terms)}
        for row in pages:
            if row.id not in words:
                self._lose({row.document_id}, f"the words of page id {row.id} are missing")
        expected = {page_id: fold_page(found) for page_id, found in words.items()}
        ids = {row.id for row in pages} & expected.keys()
        suspect = (page_id for page_id in ids if expected[page_id] != stored.get(page_id))
        # Terms of an earlier version, without wholes of broken words, stay as they are.
        wrong = sorted(page_id for page_id in suspect if _plain_terms(words[page_id]) != stored.get(page_id))
        for some in in_parts(wrong):
            self._connection.execute(delete(page_terms).where(page_terms.c.rowid.in_(some)))
        if wrong:
            rows = [{"rowid": page_id, "terms": expected[page_id]} for page_id in wrong]
            self._connection.execute(insert(page_terms), rows)
        self._n_wrong_terms += len(wrong)

    def check_recall(self) -> None:
        """Inverted lists that cannot be read are removed; the next writer makes them again."""
        for path, _ in saved(self._folder):
            if not is_whole(path):
                path.unlink()
                self._findings.append(Finding(f"{path} could not be read; it will be made again", repaired=True))

    def check_names(self) -> None:
        nameless = select(document.c.id).where(document.c.id.not_in(select(file.c.document_id)))
        for document_id in self._connection.execute(nameless).scalars().all():
            self._lose({document_id}, f"document {document_id} belongs to no file")

    def check_end(self) -> None:
        """Where the last segment is cut off, no writer could go on behind it, nor behind deleted pages that are lost there."""
        state = self._connection.execute(select(index_state)).one()
        path = segment_path(self._folder, state.segment)
        n_bytes = path.stat().st_size if path.exists() else 0
        if n_bytes < state.segment_bytes:
            self._connection.execute(update(index_state).values(segment=state.segment + 1, segment_bytes=0))
            problem = (
                f"{path} has {n_bytes} bytes where {state.segment_bytes} were committed; new pages go into the next"
            )
            self._findings.append(Finding(problem, repaired=True))

    def conclude(self, drop_damaged: bool) -> Examination:
        if self._n_wrong_means:
            problem = f"{self._n_wrong_means} pages could not be found by their tokens"
            self._findings.append(Finding(problem, repaired=True))
        stray = page_terms.c.rowid.not_in(select(page.c.id))
        self._n_wrong_terms += self._connection.execute(
            select(func.count()).select_from(page_terms).where(stray)
        ).scalar_one()
        if self._n_wrong_terms:
            self._connection.execute(delete(page_terms).where(stray))
            self._connection.execute(text("INSERT INTO page_terms(page_terms) VALUES ('rebuild')"))
            problem = f"the words of {self._n_wrong_terms} pages were not searchable as stored"
            self._findings.append(Finding(problem, repaired=True))
        damaged, n_documents = self._names(), self._connection.execute(select(func.count(document.c.id))).scalar_one()
        findings = tuple(self._findings)
        if drop_damaged and self._damaged:
            delete_documents(self._connection, sorted(self._damaged))
            findings = tuple(Finding(found.problem, repaired=True) for found in findings)
        if any(finding.repaired for finding in findings):
            raise_generation(self._connection)
        return Examination(n_documents, self._n_pages, findings, damaged)

    def _names(self) -> tuple[str, ...]:
        """A name of each damaged document, the first in alphabetical order."""
        names = {document_id: f"(document {document_id})" for document_id in self._damaged}
        for some in in_parts(sorted(self._damaged)):
            query = select(file.c.document_id, func.min(file.c.path)).where(file.c.document_id.in_(some))
            names.update(
                (document_id, path)
                for document_id, path in self._connection.execute(query.group_by(file.c.document_id))
            )
        return tuple(sorted(names.values()))

    def _lose(self, document_ids: set[int], problem: str) -> None:
        self._damaged |= document_ids
        self._findings.append(Finding(problem))


def _plain_terms(words: PageWords) -> str:
    return fold(" ".join(words.texts))
