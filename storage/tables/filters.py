"""Filters: a small, safe language for "search only in these pages".

    expression  = all { "or" all }
    all         = part { "and" part }
    part        = "not" part | "(" expression ")" | comparison
    comparison  = field operator value | field "in" "(" value { "," value } ")"
    operator    = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"         (~ is a glob: * ? [abc])
    field       = document | folder | page | pages | title | author | date | kind | source | tag.NAME
    value       = "quoted" | 'quoted' | bare word (anything up to a blank, comma or parenthesis)

Examples: ``document ~ "finance/*.pdf" and page <= 10``, ``tag.customer = acme or tag.customer = zenith``,
``date >= 2024-01-01``, ``kind = image``, ``source = ocr``. Everything becomes bound SQL parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select

from pagesight.storage.errors import BadFilter
from pagesight.storage.tables.schema import document, file, page, tag

_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted>"[^"]*"|'[^']*') | (?P<operator><=|>=|!=|!~|[=<>~(),]) | (?P<word>[^\s,()=<>~!"']+) )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[ColumnElement[Any], object], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "~": lambda column, value: column.op("GLOB")(value),
    "!~": lambda column, value: not_(column.op("GLOB")(value)),
}
_NUMBERS = {"page": page.c.number, "pages": document.c.n_pages}
_TEXTS = {
    "title": document.c.title,
    "author": document.c.author,
    "source": page.c.text_source,
    "kind": case(
        (document.c.media_type == "application/pdf", "pdf"),
        (document.c.media_type == "text/plain", "text"),
        else_="image",
    ),
}
FIELDS = ("document", "folder", *_NUMBERS, *_TEXTS, "date", "tag.NAME")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # quoted, operator, word, end
    text: str
    position: int


def parse_filter(expression: str) -> ColumnElement[bool]:
    """A condition over the join of page and document. Raises BadFilter with the place of the problem."""
    return _Parser(expression).parse()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._tokenize()
        self._next = 0

    def _tokenize(self) -> list[_Token]:
        tokens, position = [], 0
        text = self._expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise BadFilter(self._expression, position, f"cannot read {text[position:].strip()[:12]!r}")
            kind = str(match.lastgroup)
            tokens.append(
                _Token(kind, match[kind].strip("\"'") if kind == "quoted" else match[kind], match.start(kind))
            )
            position = match.end()
        return [*tokens, _Token("end", "the end", len(text))]

    def parse(self) -> ColumnElement[bool]:
        condition = self._any()
        if self._peek().kind != "end":
            raise self._problem("expected 'and', 'or' or the end")
        return condition

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

    def _any(self) -> ColumnElement[bool]:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        return or_(*parts)

    def _all(self) -> ColumnElement[bool]:
        parts = [self._part()]
        while self._accept("and"):
            parts.append(self._part())
        return and_(*parts)

    def _part(self) -> ColumnElement[bool]:
        if self._accept("not"):
            return not_(self._part())
        if self._accept("("):
            condition = self._any()
            if not self._accept(")"):
                raise self._problem("expected ')'")
            return condition
        return self._comparison()

    def _comparison(self) -> ColumnElement[bool]:
        field = self._take()
        if field.kind != "word":
            raise self._problem(f"expected a field ({', '.join(FIELDS)})", field)
        if self._accept("in"):
            return or_(*(self._compare(field, "=", value) for value in self._value_list()))
        operator = self._take()
        if operator.text not in _COMPARE:
            raise self._problem(f"expected one of {' '.join(_COMPARE)} or 'in' after {field.text!r}", operator)
        return self._compare(field, operator.text, self._value())

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

    def _compare(self, field: _Token, operator: str, value: _Token) -> ColumnElement[bool]:
        compare = _COMPARE[operator]
        name = field.text.lower()
        if name in _NUMBERS:
            if operator in ("~", "!~"):
                raise self._problem(f"{name} is a number and has no glob", field)
            if not re.fullmatch(r"\d{1,18}", value.text):
                raise self._problem(f"{name} is compared with a whole number", value)
            return compare(_NUMBERS[name], int(value.text))
        if name == "date":
            if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", value.text) and "~" not in operator:
                raise self._problem("date is compared with YYYY, YYYY-MM or YYYY-MM-DD", value)
            return and_(document.c.date != "", compare(document.c.date, value.text))  # unknown dates fit nothing
        if name in _TEXTS:
            return compare(_TEXTS[name], value.text)
        # A document may have several names and tags: a positive comparison asks whether one of them fits, a negative
        # one whether none does.
        positive = _COMPARE[operator.lstrip("!") if operator.startswith("!") else operator]
        if name in ("document", "folder"):
            column = file.c.path if name == "document" else _FOLDER
            inner = select(1).where(file.c.document_id == document.c.id, positive(column, value.text))
        elif name.startswith("tag.") and len(name) > len("tag."):
            tag_name = field.text[len("tag.") :]
            inner = select(1).where(
                tag.c.document_id == document.c.id, tag.c.name == tag_name, positive(tag.c.value, value.text)
            )
        else:
            raise self._problem(f"there is no such field; fields are {', '.join(FIELDS)}", field)
        return not_(exists(inner)) if operator.startswith("!") else exists(inner)


# The path without its last part: rtrim() takes away every trailing character that is not a slash, then the slash.
_FOLDER = func.rtrim(func.rtrim(file.c.path, func.replace(file.c.path, "/", "")), "/")
