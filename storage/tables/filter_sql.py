"""Filters as conditions of SQL over the join of page and document. Values are bound parameters, a list of any length is one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from pagesight.storage.filters import AllOf, AnyOf, Compare, Filter, Not
from pagesight.storage.globs import sqlite_glob
from pagesight.storage.tables.schema import document, file, page, page_picture, tag

_COMPARE: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "~": lambda column, value: column.bool_op("GLOB")(sqlite_glob(value)),
    "!~": lambda column, value: not_(column.bool_op("GLOB")(sqlite_glob(value))),
}
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "page": page.c.number,
    "pages": document.c.n_pages,
    "title": document.c.title,
    "author": document.c.author,
    "kind": document.c.kind,
    "source": page.c.text_source,
    "date": document.c.date,
    "sha256": document.c.sha256,
}
# The path without its last part: rtrim() takes away every trailing character that is not a slash, then the slash.
_FOLDER = func.rtrim(func.rtrim(file.c.path, func.replace(file.c.path, "/", "")), "/")


def one_of(column: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
    """``column IN`` numbers or texts, as one parameter however many there are."""
    return column.in_(select(func.json_each(json.dumps(values)).table_valued("value").c.value))


def condition(of: Filter, *, pictures: bool = True) -> ColumnElement[bool]:
    """The condition that a filter is. pictures: False for an index that has no table of them."""
    match of:
        case AllOf(parts):
            return and_(*(condition(part, pictures=pictures) for part in parts))
        case AnyOf(parts):
            return or_(*(condition(part, pictures=pictures) for part in parts))
        case Not(part):
            return not_(condition(part, pictures=pictures))
        case Compare("picture") if not pictures:
            return not_(false()) if of.operator.startswith("!") else false()
        case Compare("document" | "folder" | "tag" | "picture"):
            return _of_several(of)
        case Compare("date"):
            return and_(document.c.date != "", _compared(document.c.date, of.operator, of))
    return _compared(_COLUMNS[of.field], of.operator, of)


def _of_several(of: Compare) -> ColumnElement[bool]:
    """A document has any number of these, and a page of pictures.

    Those that fit are found once, not once a page: of a million pages, those of a folder took ten times as long.
    """
    negative = of.operator.startswith("!")
    operator = {"!=": "=", "!~": "~"}.get(of.operator, of.operator)
    if of.field == "tag":
        fits = and_(tag.c.name == of.tag, _compared(tag.c.value, operator, of))
        found = document.c.id.in_(select(tag.c.document_id).where(fits))
    elif of.field == "picture":
        names = page_picture.c.kind, page_picture.c.family
        fits = or_(*(and_(name != "", _compared(name, operator, of)) for name in names))
        found = page.c.id.in_(select(page_picture.c.page_id).where(fits))
    else:
        column: ColumnElement[Any] = file.c.path if of.field == "document" else _FOLDER
        found = document.c.id.in_(select(file.c.document_id).where(_compared(column, operator, of)))
    return not_(found) if negative else found


def _compared(column: ColumnElement[Any], operator: str, of: Compare) -> ColumnElement[bool]:
    if operator == "in":
        return one_of(column, list(of.values))
    return _COMPARE[operator](column, of.values[0])
