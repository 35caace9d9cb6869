"""The one dialect of globs, for names of documents wherever they are compared.

    *       any text, also none; slashes too
    ?       one character
    [abc]   one of these; [a-z] a range; [^abc] or [!abc] none of these; ] stands first to be meant itself
    others  themselves; a [ without its ] too

Upper and lower case differ. SQLite's GLOB says the same with other words at the edges, so a glob is translated for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache


def glob_matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits."""
    return _regex(pattern).fullmatch(text) is not None


def glob_of(text: str) -> str:
    """The pattern that this text fits, and no other."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def sqlite_glob(pattern: str) -> str:
    """The same for SQLite's GLOB, which knows no [!...] and lets nothing fit a [ without its ]."""
    return "".join(_sqlite_part(part) for part in _parts(pattern))


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    """What is between two ``*`` is looked for once, at the first place behind what was before: trying all places again and again
    took minutes for a dozen of them. Source: ``fnmatch.translate``.
    """
    first, *others = _between_stars(pattern)
    if not others:
        return re.compile(first, re.DOTALL)
    inner = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    return re.compile(f"{first}{inner}.*{others[-1]}", re.DOTALL)


def _between_stars(pattern: str) -> list[str]:
    found = [""]
    for part in _parts(pattern):
        if part == "*":
            found.append("")
        else:
            found[-1] += _regex_part(part)
    return found


def _parts(pattern: str) -> Iterator[str]:
    """Single characters, and whole [...]."""
    at = 0
    while at < len(pattern):
        stop = at + 1
        if pattern[at] == "[":
            first = at + 2 if pattern[at + 1 : at + 2] in ("^", "!") else at + 1
            end = pattern.find("]", first + 1)  # one that stands first is meant itself
            stop = end + 1 if end >= 0 else stop
        yield pattern[at:stop]
        at = stop


@dataclass(frozen=True, slots=True)
class _Set:
    """A whole [...]. items: single characters, and ranges as "a-z"."""

    negated: bool
    items: tuple[str, ...]

    @classmethod
    def of(cls, part: str) -> _Set:
        inside = part[1:-1]
        negated = inside[0] in "^!"
        inside = inside[1:] if negated else inside
        items = ["]"] if inside.startswith("]") else []
        at = len(items)
        while at < len(inside):
            if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
                if inside[at] <= inside[at + 2]:  # else nothing is in it
                    items.append(inside[at : at + 3])
                at += 3
            else:
                items.append(inside[at])
                at += 1
        return cls(negated, tuple(dict.fromkeys(items)))


def _regex_part(part: str) -> str:
    if part == "?":
        return "."
    if len(part) == 1:
        return re.escape(part)
    found = _Set.of(part)
    if not found.items:
        return "." if found.negated else "(?!)"
    inside = "".join(
        "-".join(map(re.escape, (item[0], item[2]))) if len(item) == 3 else re.escape(item) for item in found.items
    )
    return f"[{'^' if found.negated else ''}{inside}]"


def _sqlite_part(part: str) -> str:
    if part == "[":
        return "[[]"
    if len(part) == 1:
        return part
    found = _Set.of(part)
    if not found.items:
        return "?" if found.negated else "["  # which nothing fits
    if found.items == ("^",) and not found.negated:
        return "^"
    place = {"]": 0, "-": 1, "^": 3}  # where SQLite takes them for themselves
    inside = "".join(sorted(found.items, key=lambda item: place.get(item, 2)))
    return f"[{'^' if found.negated else ''}{inside}]"
