"""Filters: a small, safe language for "search only in these pages".

    expression  = all { "or" all }
    all         = part { "and" part }
    part        = "not" part | "(" expression ")" | comparison
    comparison  = field operator value | field "in" "(" value { "," value } ")"
    operator    = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"         (~ is a glob, see storage.globs)
    field       = document | folder | page | pages | title | author | date | kind | source | picture | sha256 | tag.NAME
    value       = "quoted" | 'quoted' | bare word (anything up to a blank, comma or parenthesis)
                  A quote within quotes of its own kind is written twice: "a 15"" screen".

Examples: ``document ~ "finance/*.pdf" and page <= 10``, ``tag.customer in (acme, zenith)``, ``date >= 2024-01-01``,
``kind = text``, ``source = ocr``, ``picture in (chart, "word cloud")``.

A document may have several names and tags, and a page several pictures: a positive comparison of document, folder, tag or
picture asks whether one of them fits, a negative one whether none does. A picture goes by its kind and by what that is a case of:
a bar chart is a "bar chart" and a "chart". A date without a day is all days of its month or year: 2024-05-17 is = 2024,
and <= 2024. Unknown dates fit nothing, whatever they are compared with. This module reads an expression; a store turns it into
its own terms (storage.tables.filter_sql, storage.memory).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pagesight.storage.errors import BadFilter, ConfigError
from pagesight.storage.names import nfc

_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*') | (?P<operator><=|>=|!=|!~|[=<>~(),]) | (?P<word>[^\s,()=<>~!"']+) )""",
    re.VERBOSE,
)
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")
NUMBERS, TEXTS, NAMES = ("page", "pages"), ("title", "author", "kind", "source", "sha256"), ("document", "folder")
FIELDS = (*NAMES, *NUMBERS, *TEXTS, "date", "picture", "tag.NAME")
MAX_COMPARISONS = 400  # a list of values counts as one; databases limit how deep an expression may be
MAX_DEPTH = 50  # of parentheses and nots
MAX_GLOB = 10_000  # characters; SQLite takes 50,000 bytes
DAY_LETTERS = len("YYYY-MM-DD")
LAST_DAY = "~"  # what sorts behind all days of a year or month, which are compared as text


@dataclass(frozen=True, slots=True)
class Compare:
    """``field operator value``; with operator "in" one of ``values``. tag: the name in tag.NAME. Numbers are whole ones."""

    field: str  # as in FIELDS; "tag" for tag.NAME
    operator: str  # as in OPERATORS, or "in"
    values: tuple[str | int, ...]
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Filter, ...]


Filter = Compare | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # quoted, operator, word, end
    text: str
    position: int


def parse_filter(expression: str) -> Filter:
    """The filter that an expression says. Raises BadFilter with the place of the problem."""
    return _Parser(expression).parse()


def quoted(value: str) -> str:
    """A value as an expression says it, whatever is in it. Raises ConfigError for one with both kinds of quotes."""
    mark = "'" if '"' in value else '"'
    if mark in value:
        raise ConfigError(f"a filter cannot say {value!r}, which has both kinds of quotes")
    return f"{mark}{value}{mark}"


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = nfc(expression)
        self._tokens = self._tokenize()
        self._next = self._depth = self._n_comparisons = 0

    def _tokenize(self) -> list[_Token]:
        tokens, position = [], 0
        text = self._expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                rest = text[position:].strip()
                why = " (a quote that is not closed; within quotes it is written twice)" if rest[0] in "\"'" else ""
                raise BadFilter(self._expression, position, f"cannot read {rest[:12]!r}{why}")
            kind = str(match.lastgroup)
            value = match[kind]
            if kind == "quoted":
                value = value[1:-1].replace(2 * value[0], value[0])
            tokens.append(_Token(kind, value, match.start(kind)))
            position = match.end()
        return [*tokens, _Token("end", "the end", len(text))]

    def parse(self) -> Filter:
        found = self._any()
        if self._peek().kind != "end":
            raise self._problem("expected 'and', 'or' or the end")
        return found

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek()
        self._next += token.kind != "end"
        return token

    def _accept(self, text: str) -> bool:
        token = self._peek()
        if token.kind != "quoted" and token.text.lower() == text:
            self._take()
            return True
        return False

    def _problem(self, problem: str, token: _Token | None = None) -> BadFilter:
        token = token or self._peek()
        return BadFilter(self._expression, token.position, f"{problem}, got {token.text!r}")

    def _any(self) -> Filter:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Filter:
        parts = [self._part()]
        while self._accept("and"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _part(self) -> Filter:
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                raise self._problem(f"more than {MAX_DEPTH} parentheses and nots within each other")
            if self._accept("not"):
                return Not(self._part())
            if self._accept("("):
                found = self._any()
                if not self._accept(")"):
                    raise self._problem("expected ')'")
                return found
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Filter:
        field = self._take()
        if field.kind != "word":
            raise self._problem(f"expected a field ({', '.join(FIELDS)})", field)
        self._count(1, field)
        name, tag = self._field(field)
        if self._accept("in"):
            values = tuple(self._checked(name, "=", value) for value in self._value_list())
            return self._one_of_dates(values, field) if name == "date" else Compare(name, "in", values, tag)
        operator = self._take()
        if operator.text not in OPERATORS:
            raise self._problem(f"expected one of {' '.join(OPERATORS)} or 'in' after {field.text!r}", operator)
        if name in NUMBERS and "~" in operator.text:
            raise self._problem(f"{name} is a number and has no glob", field)
        value = self._checked(name, operator.text, self._value())
        return _of_date(operator.text, str(value)) if name == "date" else Compare(name, operator.text, (value,), tag)

    def _count(self, n: int, field: _Token) -> None:
        self._n_comparisons += n
        if self._n_comparisons > MAX_COMPARISONS:
            raise self._problem(f"more than {MAX_COMPARISONS} comparisons; list values by 'in (a, b, ...)'", field)

    def _one_of_dates(self, values: tuple[str | int, ...], field: _Token) -> Filter:
        days = tuple(value for value in values if len(str(value)) == DAY_LETTERS)
        periods = [_of_date("=", str(value)) for value in dict.fromkeys(values) if len(str(value)) < DAY_LETTERS]
        self._count(len(periods), field)
        return AnyOf((Compare("date", "in", days), *periods))

    def _field(self, field: _Token) -> tuple[str, str]:
        """Its name in FIELDS, and that of the tag if it is one."""
        name = field.text.lower()
        if name.startswith("tag.") and len(name) > len("tag."):
            return "tag", field.text[len("tag.") :]
        if name not in FIELDS or name == "tag.NAME":
            raise self._problem(f"there is no such field; fields are {', '.join(FIELDS)}", field)
        return name, ""

    def _value(self) -> _Token:
        token = self._take()
        if token.kind not in ("quoted", "word"):
            raise self._problem("expected a value", token)
        return token

    def _value_list(self) -> list[_Token]:
        if not self._accept("("):
            raise self._problem("expected '(' after 'in'")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        if not self._accept(")"):
            raise self._problem("expected ',' or ')'")
        return values

    def _checked(self, name: str, operator: str, value: _Token) -> str | int:
        if name in NUMBERS:
            if not re.fullmatch(r"[0-9]{1,18}", value.text):
                raise self._problem(f"{name} is compared with a whole number", value)
            return int(value.text)
        if "~" in operator and len(value.text) > MAX_GLOB:
            raise self._problem(
                f"a glob has at most {MAX_GLOB:,} characters", replace(value, text=value.text[:12] + "...")
            )
        if name == "date" and "~" not in operator and not re.fullmatch(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", value.text):
            raise self._problem("date is compared with YYYY, YYYY-MM or YYYY-MM-DD", value)
        return value.text


def _of_date(operator: str, value: str) -> Compare:
    """A comparison with a date, or with all days of a year or month."""
    if len(value) < DAY_LETTERS:
        if operator in ("=", "!="):
            return Compare("date", {"=": "~", "!=": "!~"}[operator], (f"{value}*",))
        if operator in ("<=", ">"):
            return Compare("date", operator, (value + LAST_DAY,))
    return Compare("date", operator, (value,))
