"""The same thing in all its writings: numbers, quantities, dates, part numbers.

    1,234.56   1.234,56   1234.56   1 234,56        5 kg   5kg        OR-3471   OR 3471   or3471
    2024-03-05   05.03.2024   5 March 2024   March 5, 2024   5 mars 2024   2024年3月5日

Whatever is written so is a few phrases of the terms that pages are stored as (storage.words), since points, commas, hyphens
and blanks all part terms: 1,234.56 and 1.234,56 are both "1 234 56". So any index can be asked, and nothing is stored for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

MAX_WRITINGS = 8  # of a question
MAX_PARTS = 4  # of a part number
FEWEST_DIGITS = 5  # of a number without any point: a year is none
VOWELS = frozenset("aeiouy")  # without them small letters are no word
YEARS = range(1800, 2200)  # four digits that are a year as often as a number
_UNITS = """kg g mg t km m cm mm nm l ml v mv kv a ma w mw kw kwh wh va hz khz mhz ghz pa kpa bar s ms min h c f k
    mb gb tb kb db kbit mbit gbit rpm"""
UNITS = frozenset(_UNITS.split())
_MONTHS = (  # of each language, January first, without accents; English in full and short first
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
)
NAMES = tuple(dict.fromkeys(names.split()[month] for names in _MONTHS) for month in range(12))  # of each month
MONTHS = {name: month for month, names in enumerate(NAMES, start=1) for name in names}

_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
_OF, _BLANKS = r"(?:st|nd|rd|th|\.|º|er)?(?:\s+(?:of|de|den))?", "[  \u202f\u2009]"
_AMOUNT_END = re.compile(rf"{_BLANKS}?°?(?P<unit>[a-z]{{1,4}})(?![\w-])")
_PART_NUMBER = re.compile(r"[^\W\d_]{1,6}[- ]?\d[^\W_]*(?:-[^\W_]+)*")
_RUNS = re.compile(r"[^\W\d_]+|\d+")


@cache
def _date() -> re.Pattern[str]:
    """Compiled for a question with a digit: it takes longer than all else that reads one."""
    return re.compile(
        rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})(?![\w.,-]*\d)"
        rf"|(?P<year2>\d{{4}})\s*年\s*(?P<month2>\d{{1,2}})\s*月\s*(?P<day2>\d{{1,2}})\s*日"
        rf"|(?P<first>\d{{1,2}})(?P<mark>[./-])(?P<second>\d{{1,2}})(?P=mark)(?P<year3>\d{{4}})"
        rf"|(?P<day4>\d{{1,2}}){_OF}\s+(?P<name4>{_NAME})\.?,?(?:\s+de)?\s+(?P<year4>\d{{4}})"
        rf"|(?P<name5>{_NAME})\.?\s+(?P<day5>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year5>\d{{4}})"
    )


@cache
def _number_in() -> re.Pattern[str]:
    return re.compile(
        rf"(?P<grouped>[^\D0]\d{{0,2}}(?:(?P<mark>[.,'’]|{_BLANKS})\d{{3}})(?:(?P=mark)\d{{3}})*)(?!\d)(?:(?!(?P=mark))[.,](?P<rest>\d+))?"
        r"|(?P<whole>\d+)(?:[.,](?P<decimals>\d+))?"
    )


Found = tuple[int, int, list[str]]  # first and last place in the question, phrases


@dataclass(frozen=True, slots=True)
class Writing:
    """Something of a question that may be written otherwise on a page. text: as typed. phrases: terms with blanks between."""

    text: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """The normal form of a number. whole: digits without leading zeros. decimals: digits without trailing zeros."""

    whole: str
    decimals: str = ""

    @property
    def phrases(self) -> tuple[str, ...]:
        """With groups of three digits and without, and with two decimals where there is one."""
        groups = [self.whole[max(0, stop - 3) : stop] for stop in range(len(self.whole), 0, -3)][::-1]
        wholes = dict.fromkeys((" ".join(groups), self.whole))
        decimals = {0: ("",), 1: (self.decimals, self.decimals + "0")}.get(len(self.decimals), (self.decimals,))
        return tuple(f"{whole} {rest}".strip() for whole, rest in product(wholes, decimals))


def writings(question: str) -> tuple[Writing, ...]:
    """What of a question is a date, a number, a quantity or a part number, in order; the first MAX_WRITINGS."""
    plain = bare(question)
    if not any(map(str.isdigit, plain)):
        return ()
    found: list[tuple[int, Writing]] = []
    for read in (_dates, _part_numbers, _amounts):
        for start, stop, phrases in read(plain, question):
            found.append((start, Writing(question[start:stop].strip(), tuple(dict.fromkeys(phrases)))))
            plain = plain[:start] + "\n" * (stop - start) + plain[stop:]  # what is read once is not read again
    return tuple(writing for _, writing in sorted(found, key=lambda pair: pair[0]))[:MAX_WRITINGS]


def bare(text: str) -> str:
    """A text without accents, in small letters; each character keeps its place."""
    return "".join(_bare(character) for character in text)


def _bare(character: str) -> str:
    first = unicodedata.normalize("NFKD", character)[:1].lower()
    return first if len(first) == 1 else character


def number_of(text: str) -> Number | None:
    """The number that a text is, however it is written; None if it is none. 1,234 and 1.234 are one thousand and more."""
    match = _number_in().fullmatch(bare(text))
    return None if match is None else _number(match)


def _number(match: re.Match[str]) -> Number | None:
    whole, decimals = match["grouped"] or match["whole"], match["rest"] or match["decimals"] or ""
    digits = "".join(filter(str.isdigit, whole))
    if len(digits) > 1 and digits[0] == "0":
        return None  # a name, such as 0815
    return Number(digits, decimals.rstrip("0"))


def _dates(text: str, question: str) -> Iterator[Found]:  # noqa: ARG001 - as every reader's
    for match in _date().finditer(text):
        of = match.groupdict()
        year = next(of[name] for name in ("year", "year2", "year3", "year4", "year5") if of[name])
        month_first = bool(of["name5"])
        if of["first"]:
            day, month = int(of["first"]), int(of["second"])
            if month > 12:
                day, month, month_first = month, day, True
        else:
            named = of["name4"] or of["name5"]
            month = MONTHS[named] if named else int(of["month"] or of["month2"])
            day = int(of["day"] or of["day2"] or of["day4"] or of["day5"])
        if _alone(match, text) and 1 <= month <= 12 and 1 <= day <= 31:
            yield match.start(), match.end(), list(date_phrases(int(year), month, day, month_first=month_first))


def date_phrases(year: int, month: int, day: int, *, month_first: bool) -> Iterator[str]:
    """month_first: whether 03/05 may be the fifth of March, as who writes "March 5" would have it."""
    for d, m in {(f"{day:02}", f"{month:02}"): None, (str(day), str(month)): None}:
        yield f"{year} {m} {d}"
        yield f"{d} {m} {year}"
        if month_first:
            yield f"{m} {d} {year}"
    yield f"{year} 年 {month} 月 {day} 日"
    english, short, *others = (names.split()[month - 1] for names in _MONTHS)
    ending = "th" if day // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    for name in dict.fromkeys((english, short)):
        for d in dict.fromkeys((str(day), f"{day:02}", f"{day}{ending}")):
            yield f"{d} {name} {year}"
            yield f"{name} {d} {year}"
    for name in dict.fromkeys(others):
        yield f"{day} {name} {year}"
        yield f"{day} de {name} de {year}"


def _part_numbers(text: str, question: str) -> Iterator[Found]:
    for match in _PART_NUMBER.finditer(text):
        runs = _RUNS.findall(match[0])
        if not _alone(match, text) or len(runs) > MAX_PARTS or runs[0] in MONTHS:
            continue
        spaced = " " in match[0]
        if spaced and (len(runs) != 2 or not _named(question[match.start() :], *runs)):
            continue
        if len("".join(runs)) >= 3:
            yield match.start(), match.end(), list(_joined(runs))


def _named(typed: str, letters: str, digits: str) -> bool:
    """Whether letters and digits with a blank between are one name, and not as "in 2024" and "above 3000" are."""
    if len(digits) < 3 or (len(digits) == 4 and int(digits) in YEARS):
        return False
    return typed[: len(letters)].isupper() or not set(letters) & VOWELS


def _joined(runs: list[str]) -> Iterator[str]:
    """All ways of writing these runs together or apart."""
    for blanks in product(("", " "), repeat=len(runs) - 1):
        yield "".join(run + blank for run, blank in zip(runs, (*blanks, ""), strict=True))


def _amounts(text: str, question: str) -> Iterator[Found]:  # noqa: ARG001
    """Quantities with a unit, and numbers that can be written in several ways."""
    for match in _number_in().finditer(text):
        number, unit = _number(match), _AMOUNT_END.match(text, match.end())
        if number is None or not _alone(match, text, before_only=True):
            continue
        if unit is not None and unit["unit"] in UNITS:
            yield (
                match.start(),
                unit.end(),
                [number_phrase + blank + unit["unit"] for number_phrase in number.phrases for blank in (" ", "")],
            )
            continue
        plain = match["grouped"] is None and not match["decimals"]
        if _alone(match, text) and len(number.whole + number.decimals) >= (FEWEST_DIGITS if plain else 2):
            yield match.start(), match.end(), list(number.phrases)


def _alone(match: re.Match[str], text: str, *, before_only: bool = False) -> bool:
    """Whether what was found is no part of something longer."""
    before, after = text[: match.start()][-2:], text[match.end() :][:2]
    if re.search(r"\w$|\d[.,/'-]$", before):
        return False
    return before_only or re.match(r"\w|[.,/'-]\d", after) is None
