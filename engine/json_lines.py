"""Files with a JSON object a line, as people, spreadsheets and other programs write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pagesight.storage.errors import DatasetError


def read_lines(path: Path) -> list[str]:
    """The lines of a text in UTF-8, with a byte order mark or without. Raises DatasetError.

    A line feed ends a line, and nothing else: JSON may have U+2028, U+2029 and U+0085 within a text.
    """
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """What each line that is not blank says, with its number from 1. Raises DatasetError that names the line."""
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path}, line {number}: {error}") from error


def text_in(fields: Any, *names: str) -> str:
    """The field that goes by one of these names. Raises KeyError, and TypeError for null, false and whatever else is no text."""
    value = _field(fields, names)
    if not isinstance(value, str):
        raise TypeError(f"{names[-1]} is {json.dumps(value)[:80]}, which is no text")
    return value


def id_in(fields: Any, *names: str) -> str:
    """The same for a name of something, which may be a whole number, too."""
    value = _field(fields, names)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_in(fields, *names)


def whole(value: Any) -> int:
    """A whole number as JSON and tables have it: 2, 2.0, "2" or "2.0". Raises ValueError for anything else, such as 1.5."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{str(value)[:80]!r} is no number") from error
    if not number.is_integer():
        raise ValueError(f"{value!r} is no whole number")
    return int(number)


def _field(fields: Any, names: tuple[str, ...]) -> Any:
    """Raises KeyError, and TypeError where there are no fields."""
    return fields[next((name for name in names if name in fields), names[-1])]
