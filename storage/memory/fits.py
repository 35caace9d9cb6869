"""What a filter means, asked of one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pagesight.storage.filters import AllOf, AnyOf, Compare, Filter, Not
from pagesight.storage.globs import glob_matches
from pagesight.storage.memory.state import MemoryDocument, MemoryPage


def fits(filter_: Filter, document: MemoryDocument, page: MemoryPage, paths: Sequence[str]) -> bool:
    """Whether a page fits. paths: the names of its document."""
    match filter_:
        case AllOf(parts):
            return all(fits(part, document, page, paths) for part in parts)
        case AnyOf(parts):
            return any(fits(part, document, page, paths) for part in parts)
        case Not(part):
            return not fits(part, document, page, paths)
    several = _several(filter_, document, page, paths)
    if several is not None:
        operator = {"!=": "=", "!~": "~"}.get(filter_.operator, filter_.operator)
        found = any(_compares(value, operator, filter_.values) for value in several)
        return found != filter_.operator.startswith("!")
    info = document.info
    value: Any = {
        "page": page.new.number,
        "pages": info.n_pages,
        "title": info.title,
        "author": info.author,
        "kind": info.kind,
        "source": page.new.text_source,
        "date": info.date,
        "sha256": info.sha256,
    }[filter_.field]
    return (filter_.field != "date" or value != "") and _compares(value, filter_.operator, filter_.values)


def _several(of: Compare, document: MemoryDocument, page: MemoryPage, paths: Sequence[str]) -> list[str] | None:
    """The values of a field of which a document or page has any number; None for another field."""
    match of.field:
        case "tag":
            return [value for name, value in document.info.tags.items() if name == of.tag]
        case "document":
            return list(paths)
        case "picture":
            return [name for picture in page.new.pictures for name in (picture.kind, picture.family) if name]
        case "folder":
            return [path.rpartition("/")[0] for path in paths]
    return None


def _compares(value: Any, operator: str, values: Sequence[Any]) -> bool:
    match operator:
        case "in":
            return value in values
        case "~":
            return glob_matches(values[0], value)
        case "!~":
            return not glob_matches(values[0], value)
        case "=":
            return bool(value == values[0])
        case "!=":
            return bool(value != values[0])
        case "<":
            return bool(value < values[0])
        case "<=":
            return bool(value <= values[0])
        case ">":
            return bool(value > values[0])
    return bool(value >= values[0])
