"""What a copy goes between, by addresses: any store, or a folder of segments (storage.exchange)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Protocol, Self

from pagesight.storage.addresses import folder_of, full_address, store_class
from pagesight.storage.errors import CodecMismatch, ConfigError, ModelMismatch
from pagesight.storage.manifest import Space
from pagesight.storage.stored import StoredContent, StoredDocument, StoredFailure
from pagesight.storage.values import DocumentInfo, KnownFailure, KnownFile, PackedPage, SourceFile

SEGMENTS = "segments://"
# What is no store to be searched, and can be copied from and to: scheme -> "module:class", as in storage.addresses.
KINDS = {
    "segments": "pagesight.storage.exchange:SegmentFolder",
}


class Held(Protocol):
    """What an end holds, in one consistent state: the part of ``pagesight.engine.index.View`` that a copy needs."""

    def contents(self) -> list[StoredContent]: ...
    def packed_pages(self, sha256: str) -> Iterator[PackedPage]: ...
    def documents(self) -> list[StoredDocument]: ...
    def known_files(self) -> dict[bytes, KnownFile]: ...
    def indexed_files(self) -> list[SourceFile]: ...
    def failures(self) -> list[StoredFailure]: ...
    def known_failures(self) -> dict[bytes, KnownFailure]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class PackedDraft(Protocol):
    """A document being written; nobody sees it before ``commit``."""

    def add_packed(self, new: PackedPage) -> None: ...
    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None: ...


class EndWriter(Protocol):
    """The part of ``pagesight.indexer.running.pipeline.IndexWriter`` that a copy needs."""

    def draft(self) -> AbstractContextManager[PackedDraft]: ...
    def add_name(self, sha256: str, source: SourceFile) -> None: ...
    def set_tags(self, sha256: str, tags: dict[str, str]) -> None: ...
    def remove_names(self, locations: Sequence[bytes]) -> int: ...
    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None: ...
    def has_document(self, sha256: str) -> bool: ...


class End(Protocol):
    """A store, or what can be copied from and to like one."""

    @property
    def address(self) -> str: ...
    @property
    def space(self) -> Space: ...
    def view(self) -> Held: ...
    def writer(self) -> AbstractContextManager[EndWriter]: ...
    def close(self) -> None: ...


def end_address(address: str | PathLike[str]) -> str:
    """The same from any working folder: of a store, or ``segments://FOLDER``. Raises ConfigError."""
    text = fspath(address)
    if text.startswith(SEGMENTS) and len(text) > len(SEGMENTS):
        return SEGMENTS + str(Path(text.removeprefix(SEGMENTS)).expanduser().absolute())
    scheme, mark, rest = text.partition("://")
    return text if mark and rest and scheme in KINDS else full_address(text)


def folder_of_end(address: str) -> Path | None:
    """The folder that a full address stands for; None for what lies elsewhere."""
    if address.startswith(SEGMENTS):
        return Path(address.removeprefix(SEGMENTS))
    return None if "://" in address else folder_of(address)


def open_end(address: str) -> End:
    """What is there. Raises StoreNotFound."""
    opened: End = _kind(address)(address)
    return opened


def create_end(address: str, space: Space) -> End:
    """What is there, or an empty one of this space. Raises ModelMismatch or CodecMismatch if what is there has another."""
    made: End = _kind(address).create(address, space)
    try:
        check_same_space(made.space, space)
    except BaseException:
        made.close()
        raise
    return made


def check_same_space(there: Space, given: Space) -> None:
    """Raise ModelMismatch or CodecMismatch unless bytes of one can be kept beside those of the other."""
    if there.fingerprint != given.fingerprint:
        raise ModelMismatch(
            f"{there.encoder} ({there.fingerprint[:12]})", f"{given.encoder} ({given.fingerprint[:12]})"
        )
    if there.codec != given.codec:
        raise CodecMismatch("codec", there.codec, given.codec)
    if there.pool_factor != given.pool_factor:
        raise CodecMismatch("pool_factor", there.pool_factor, given.pool_factor)


def check_two_ends(source: str, target: str) -> None:
    """Raise ConfigError if both are the same place."""
    folders = folder_of_end(source), folder_of_end(target)
    same = source == target or (None not in folders and _resolved(folders[0]) == _resolved(folders[1]))
    if same:
        raise ConfigError(f"{source} and {target} are the same place; name two")


def _resolved(folder: Path | None) -> Path | None:
    return None if folder is None else folder.resolve()


def _kind(address: str) -> Any:
    module, _, name = KINDS.get(address.partition("://")[0], "").partition(":")
    return getattr(import_module(module), name) if module else store_class(address)
