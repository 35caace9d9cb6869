"""Reading a store in memory, by definition."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.filters import Filter, parse_filter
from pagesight.storage.manifest import Space
from pagesight.storage.memory.fits import fits
from pagesight.storage.memory.state import MemoryDocument, MemoryPage, MemoryState
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.names import nfc
from pagesight.storage.packed import content_of
from pagesight.storage.parts import ELSEWHERE
from pagesight.storage.stored import PageDetail, StoredContent, StoredDocument, StoredFailure, StoredPage, Totals
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, SourceFile
from pagesight.storage.words import (
    WordScores,
    bare_fold,
    fold_page,
    largest_score,
    query_terms,
    squeezed,
    telling,
    without_accents,
)

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]


class MemoryView(Closing):
    """``pagesight.engine.index.View``, by definition."""

    def __init__(self, space: Space, state: MemoryState) -> None:
        self.space, self._state = space, state
        self.generation = state.generation
        self._pages = {page.id: (document, page) for document in state.documents.values() for page in document.pages}
        self._found = sorted(page_id for page_id, (_, page) in self._pages.items() if len(page.tokens))

    def page_ids(self, filters: str | None = None) -> PageIds:
        asked = None if filters is None else parse_filter(filters)
        return np.array([i for i in self._found if asked is None or self._fits(asked, *self._pages[i])], np.int64)

    def nearest(self, single: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._best(lambda page: float(page.new.encoded.single @ single), k, allowed)

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._best(lambda page: float((tokens @ page.tokens.T).max(axis=1).sum()), k, allowed)

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> WordScores:
        """BM25 (k1 1.2, b 0.75), Robertson & Zaragoza 2009, with the inverse document frequency never below 1e-6."""
        texts = {i: self._bare_terms(i).split() for i in self._pages}
        usual = sum(map(len, texts.values())) / max(len(texts), 1)
        scores = dict.fromkeys(texts, 0.0)
        bare = {term: without_accents(term) for term in query_terms(query)}
        n_pages_with = {term: sum(bare[term] in text for text in texts.values()) for term in bare}
        for term in telling(n_pages_with, len(self._found)):
            n = n_pages_with[term]
            weight = max(math.log((len(texts) - n + 0.5) / (n + 0.5)), 1e-6)
            for page_id, text in texts.items():
                count = text.count(bare[term])
                length = 1.2 * (0.25 + 0.75 * len(text) / usual) if usual else 1.0
                scores[page_id] += weight * ((count * 2.2) / (count + length))  # in SQLite's order
        among = set(self._found if allowed is None else allowed.tolist())
        found = [i for i, score in scores.items() if score > 0 and i in among]
        best = sorted(found, key=lambda i: (-scores[i], i))[:k]
        most = max(largest_score(len(self._found), n_pages_with.values()), 1e-9)
        shares = np.clip([scores[i] / most for i in best], 0, 1).astype(np.float32)
        return WordScores(np.array(best, np.int64), shares)

    def pages_with(self, string: str, page_ids: PageIds) -> PageIds:
        return np.array([i for i in sorted(page_ids.tolist()) if string in self._squeezed(i)], np.int64)

    def pages_with_phrases(self, phrases: Sequence[str], most: int) -> PageIds:
        wanted = [f" {folded} " for folded in map(bare_fold, phrases) if folded]
        found = [i for i in sorted(self._pages) if any(phrase in f" {self._bare_terms(i)} " for phrase in wanted)]
        return np.array(found if len(found) <= most else [], np.int64)

    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]:
        counts = Counter(term for i in self._pages for term in set(self._bare_terms(i).split()))
        return {term: n for term, n in counts.items() if term in terms or term.startswith(tuple(prefixes))}

    def word_pages(self, terms: Sequence[str]) -> dict[str, int]:
        return {term: len(pages) for term, (pages, _) in self.word_counts(terms).items()}

    def word_counts(self, terms: Sequence[str]) -> dict[str, tuple[PageIds, PageIds]]:
        words = {i: self._bare_terms(i).split() for i in sorted(self._pages)}
        found = {}
        for term in dict.fromkeys(terms):
            counts = {i: n for i, texts in words.items() if (n := texts.count(term))}
            found[term] = np.array(list(counts), np.int64), np.array(list(counts.values()), np.int64)
        return found

    def word_lengths(self) -> tuple[PageIds, PageIds]:
        lengths = [(i, len(self._bare_terms(i).split())) for i in sorted(self._pages)]
        pages, counts = np.array(lengths, np.int64).reshape(-1, 2).T
        return pages, counts

    def spelt(self, term: str) -> str:
        words = (word for i in sorted(self._pages) for word in fold_page(self._pages[i][1].new.words).split())
        return next((word for word in words if without_accents(word) == term), term)

    def n_tokens(self, page_ids: PageIds) -> PageIds:
        return np.array([len(self._pages[i][1].tokens) for i in page_ids.tolist()], np.int64)

    def means_maxima(self, tokens: Float, page_ids: PageIds) -> Float:
        return self.maxima(tokens, page_ids)

    def maxima(
        self,
        tokens: Float,
        page_ids: PageIds,
        *,
        precise: bool = True,  # noqa: ARG002 - it always is
        device: str | None = None,  # noqa: ARG002 - the same everywhere
    ) -> Float:
        columns = [(tokens @ self._pages[i][1].tokens.T).max(axis=1) for i in page_ids.tolist()]
        return np.stack(columns, axis=1) if columns else np.empty((len(tokens), 0), np.float32)

    def opening_pages(self, page_ids: PageIds) -> PageIds:
        documents = (self._pages[i][0] for i in page_ids.tolist())
        firsts = [min((p.new.number, p.id) for p in document.pages if len(p.tokens))[1] for document in documents]
        return np.array(firsts, np.int64)

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        described = {}
        for page_id in page_ids.tolist():
            document, page = self._pages[page_id]
            first = self._files_of(document)[0]
            described[page_id] = StoredPage(
                page_id=page_id,
                number=page.new.number,
                n_pages=document.info.n_pages,
                document=first.path,
                root=first.root,
                location=first.location,
                sha256=document.info.sha256,
                kind=document.info.kind,
                title=document.info.title,
                n_tokens=len(page.tokens),
                width_pt=page.new.width_pt,
                height_pt=page.new.height_pt,
                text_source=page.new.text_source,
                pictures=page.new.pictures,
            )
        return described

    def details(self, page_ids: PageIds) -> dict[int, PageDetail]:
        pages = [self._pages[page_id][1] for page_id in page_ids.tolist()]
        return {page.id: PageDetail(page.tokens, page.boxes, page.new.words) for page in pages}

    def find_page(self, name: str, number: int, *, sha256: str | None = None) -> int | None:
        named = [own for own, file in self._state.files.values() if file.path == nfc(name) and sha256 in (None, own)]
        pages = [page.id for own in named for page in self._state.documents[own].pages if page.new.number == number]
        return min(pages, default=None)

    def tokens(self, page_ids: PageIds) -> MultiVectors:
        return MultiVectors.from_pages([self._pages[i][1].tokens for i in page_ids.tolist()], self.space.token_dim)

    def single(self, page_id: int) -> Float:
        return self._pages[page_id][1].new.encoded.single

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        asked = None if filters is None else parse_filter(filters)
        found = []
        for document in self._state.documents.values():
            files = self._files_of(document)
            if asked is None or any(self._fits(asked, document, page) for page in document.pages):
                info = document.info
                found.append(
                    StoredDocument(
                        document=files[0].path,
                        names=tuple(file.path for file in files),
                        locations=tuple(file.location for file in files),
                        sha256=info.sha256,
                        media_type=info.media_type,
                        kind=info.kind,
                        n_pages=info.n_pages,
                        n_indexed_pages=len(document.pages),
                        n_bytes=document.n_bytes,
                        title=info.title,
                        author=info.author,
                        date=info.date,
                        added_at=document.added_at,
                        tags=dict(sorted(info.tags.items())),
                        ocr_pages=tuple(
                            p.new.number for p in document.pages if p.new.text_source in ("ocr", "text+ocr")
                        ),
                        notes=tuple((p.new.number, p.new.note) for p in document.pages if p.new.note),
                    )
                )
        return sorted(found, key=lambda item: (item.document, item.sha256))

    def failures(self) -> list[StoredFailure]:
        known = (failure for failure in self._state.failures.values() if failure.status != ELSEWHERE)
        return sorted(known, key=lambda failure: (failure.document, failure.page))

    def totals(self) -> Totals:
        pages, failures = [page for _, page in self._pages.values()], self._state.failures.values()
        codec = codec_named(self.space.codec, self.space.token_dim)
        return Totals(
            n_documents=len(self._state.documents),
            n_files=len(self._state.files),
            n_pages=len(pages),
            n_pages_without_words=len(pages) - len(self._found),
            n_pages_by_ocr=sum(page.new.text_source in ("ocr", "text+ocr") for page in pages),
            n_tokens=sum(len(page.tokens) for page in pages),
            token_bytes=sum(codec.n_bytes(len(page.tokens)) + 8 * len(page.tokens) for page in pages),
            n_failed_files=sum(failure.page == 0 and failure.status == "failed" for failure in failures),
            n_failed_pages=sum(failure.page > 0 for failure in failures),
            n_noted_pages=sum(bool(page.new.note) for page in pages),
        )

    def known_files(self) -> dict[bytes, KnownFile]:
        return {
            location: KnownFile(
                location,
                sha256,
                file.n_bytes,
                file.mtime_ns,
                self._state.documents[sha256].added_at,
                self._state.documents[sha256].info.media_type,
                self._state.documents[sha256].info.reading,
                self._problems(location),
            )
            for location, (sha256, file) in self._state.files.items()
        }

    def _problems(self, location: bytes) -> tuple[str, ...]:
        found = (
            (page, failure.reason) for (at, page), failure in self._state.failures.items() if at == location and page
        )
        return tuple(reason for _, reason in sorted(found))

    def known_failures(self) -> dict[bytes, KnownFailure]:
        return dict(self._state.failed_files)

    def indexed_files(self) -> list[SourceFile]:
        return [file for _, (_, file) in sorted(self._state.files.items(), key=lambda item: item[0])]

    def contents(self) -> list[StoredContent]:
        packed = {
            sha256: [page.packed for page in document.pages] for sha256, document in self._state.documents.items()
        }
        by_age = sorted(packed, key=lambda sha256: [page.id for page in self._state.documents[sha256].pages])
        return [
            content_of(sha, ((p.number, p.n_tokens, len(p.record), zlib.crc32(p.record)) for p in packed[sha]))
            for sha in by_age
        ]

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        return (page.packed for page in self._state.documents[sha256].pages)

    def close(self) -> None:
        """Nothing is held."""

    def _best(self, score: Callable[[MemoryPage], float], k: int, allowed: PageIds | None) -> PageIds:
        among = self._found if allowed is None else allowed.tolist()
        scores = {i: np.float32(score(self._pages[i][1])) for i in among}
        return np.array(sorted(scores, key=lambda i: (-scores[i], i))[:k], np.int64)

    def _bare_terms(self, page_id: int) -> str:
        return without_accents(fold_page(self._pages[page_id][1].new.words))

    def _squeezed(self, page_id: int) -> str:
        return squeezed(" ".join(self._pages[page_id][1].new.words.texts))

    def _files_of(self, document: MemoryDocument) -> list[SourceFile]:
        named = [file for sha256, file in self._state.files.values() if sha256 == document.info.sha256]
        return sorted(named, key=lambda file: file.path)

    def _fits(self, asked: Filter, document: MemoryDocument, page: MemoryPage) -> bool:
        return fits(asked, document, page, [file.path for file in self._files_of(document)])
