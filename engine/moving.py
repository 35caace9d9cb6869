"""Copies of an index in another place, by addresses: folders, other stores, folders of segments. See storage.moving."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagesight.storage.moving.copying import Copied, DocumentCopied
    from pagesight.storage.moving.ends import End
    from pagesight.storage.moving.plan import CopyPlan

Address = str | PathLike[str]
Moved = Sequence[tuple[Path, Path]]


def copy_index(
    source: Address,
    target: Address,
    *,
    delete: bool = False,
    moved: Moved = (),
    on_document: Callable[[DocumentCopied], None] | None = None,
) -> Copied:
    """Bring all that an index holds into another place, byte for byte, and compare both.

        copy_index("my-index", "segments:///mnt/usb/my-index")

    A document a transaction: stopped by whatever, the same call goes on. What is there already is passed over.
    delete: take out of the target what the source does not have. moved: folders of documents that have another place where
    the copy is, (before, after). Raises StoreNotFound, ModelMismatch or CodecMismatch if the target holds other vectors,
    ConfigError, StoreLocked, DiskFull, and StoreCorrupt if both are not the same in the end.
    """
    from pagesight.storage.moving.copying import copy
    from pagesight.storage.moving.ends import check_two_ends, create_end, end_address

    place = end_address(target)
    with _opened(source) as opened:
        check_two_ends(opened.address, place)
        made = create_end(place, opened.space)
        try:
            return copy(opened, made, delete=delete, moved=moved, on_document=on_document)
        finally:
            made.close()


def plan_copy(source: Address, target: Address, *, moved: Moved = ()) -> CopyPlan:
    """What ``copy_index`` would have to do, and how long it would take there; nothing stays behind. Raises as it does."""
    from pagesight.storage.moving import plan
    from pagesight.storage.moving.ends import end_address

    with _opened(source) as opened:
        return plan.plan_copy(opened, end_address(target), moved)


@contextmanager
def _opened(address: Address) -> Iterator[End]:
    from pagesight.storage.moving.ends import end_address, open_end

    opened = open_end(end_address(address))
    try:
        yield opened
    finally:
        opened.close()
