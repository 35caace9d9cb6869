"""What a copy would have to do, and how long it would take there."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pagesight.storage.errors import StoreCorrupt, StoreNotFound
from pagesight.storage.manifest import Space
from pagesight.storage.moving.copying import problems_of, put_document
from pagesight.storage.moving.ends import (
    SEGMENTS,
    End,
    Held,
    check_same_space,
    check_two_ends,
    create_end,
    folder_of_end,
    open_end,
)
from pagesight.storage.moving.holdings import HeldDocument, Holdings, Relocation
from pagesight.storage.vectors.page_rows import row_sizes

TRIED = 16  # documents, evenly spaced
TRIAL_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """n_bytes: vectors and boxes of the pages to be copied. n_there: documents that are there already.

    n_names: names and failures to be brought without their documents. n_gone: names that the target has and the source has not.
    seconds: of the copy, from ``n_tried`` documents; only reading them, if ``only_read``. n_free: bytes of the target's disk.
    refused: what of the source cannot be read, and why.
    """

    n_documents: int
    n_pages: int
    n_bytes: int
    n_there: int
    n_names: int
    n_gone: int
    seconds: float
    n_tried: int
    only_read: bool
    n_free: int | None
    refused: tuple[tuple[str, str], ...]


def plan_copy(source: End, target: str, moved: Sequence[Relocation] = ()) -> CopyPlan:
    """What ``copy`` into this full address would do. Nothing stays behind: a few documents are copied beside it, for the time.

    Raises ModelMismatch, CodecMismatch, ConfigError.
    """
    check_two_ends(source.address, target)
    with source.view() as held:
        wanted, there = Holdings.of(held, moved), _there(target, source.space)
        new = [
            document
            for sha256, document in wanted.documents.items()
            if sha256 not in there.documents or not document.is_as(there.documents[sha256])
        ]
        brought = {os.fsencode(file.location) for document in new for file in document.files}
        named = [at for at, name in wanted.names.items() if at not in brought and there.names.get(at) != name]
        failed = [at for at, failure in wanted.failures.items() if there.failures.get(at) != failure]
        gone = (there.names.keys() | there.failures.keys()) - wanted.names.keys() - wanted.failures.keys()
        n_pages = sum(document.content.n_pages for document in new)
        place = _existing(folder_of_end(target))
        tried = _try(held, new[:: max(1, len(new) // TRIED)][:TRIED], target, place, source.space)
        rows = sum(row_sizes(source.space.single_dim, source.space.token_dim).values())
        return CopyPlan(
            n_documents=len(new),
            n_pages=n_pages,
            n_bytes=sum(document.content.n_bytes for document in new) + n_pages * rows,
            n_there=len(wanted.documents) - len(new),
            n_names=len(named) + len(failed),
            n_gone=len(gone),
            seconds=tried.seconds / max(tried.n_pages, 1) * n_pages,
            n_tried=tried.n_documents,
            only_read=tried.only_read,
            n_free=None if place is None else shutil.disk_usage(place).free,
            refused=problems_of(held),
        )


@dataclass(frozen=True, slots=True)
class _Trial:
    n_documents: int
    n_pages: int
    seconds: float
    only_read: bool


def _there(target: str, space: Space) -> Holdings:
    try:
        end = open_end(target)
    except StoreNotFound:
        return Holdings({}, {}, {})
    try:
        check_same_space(end.space, space)
        with end.view() as there:
            return Holdings.of(there)
    finally:
        end.close()


def _try(held: Held, some: Sequence[HeldDocument], target: str, place: Path | None, space: Space) -> _Trial:
    """Copy some documents into a place of the same kind beside the target, and read them back; or only read them."""
    if place is None or not os.access(place, os.W_OK):
        began, n_pages, n = time.monotonic(), 0, 0
        for document in some:
            with suppress(StoreCorrupt):
                n_pages += sum(1 for _ in held.packed_pages(document.info.sha256))
                n += 1
            if time.monotonic() - began > TRIAL_SECONDS:
                break
        return _Trial(n, n_pages, time.monotonic() - began, only_read=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".pagesight-trial-") as folder:
        end = create_end(f"{SEGMENTS if target.startswith(SEGMENTS) else ''}{folder}/trial", space)
        began, copied = time.monotonic(), []
        with end.writer() as writer:
            for document in some:
                with suppress(StoreCorrupt):  # the copy itself will say so
                    put_document(writer, document, held.packed_pages(document.info.sha256))
                    copied.append(document)
                if time.monotonic() - began > TRIAL_SECONDS:
                    break
        with end.view() as view:
            n_pages = sum(sum(1 for _ in view.packed_pages(document.info.sha256)) for document in copied)
        seconds = time.monotonic() - began
        end.close()
        return _Trial(len(copied), n_pages, seconds, only_read=False)


def _existing(folder: Path | None) -> Path | None:
    """The nearest folder above that is there."""
    if folder is None:
        return None
    return next((place for place in (folder.parent, *folder.parent.parents) if place.is_dir()), None)
