"""What is lost when questions are typed as people type them: by kind of variant, before and after mending.

    python -m benchmarks.typed FOLDER=INDEX [FOLDER=INDEX ...]     into benchmarks/results/typed.json

FOLDER has documents and a queries.jsonl (as for ``pagesight eval``), INDEX is its index. Two sources of questions:

    the folder's own    with slips of the pen, another number of a noun, umlauts spelt out or left out, small letters only, two in one
    made from pages     what stands before a number, a date, a quantity, a part number that few pages have, and that itself,
                        as it stands on the page and in another form of writing

Each variant is asked beside its untouched question, as typed (``mend=False``) and mended. The same seed gives the same variants.
Where two questions are asked in one, the pages of both are right, and the untouched figure is the mean of both alone.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from pagesight.engine import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.evaluation.dataset import Dataset
from pagesight.engine.evaluation.folder import read_folder
from pagesight.engine.evaluation.metrics import metric_named, per_query
from pagesight.engine.evaluation.statistics import compare

NDCG, FIRST = metric_named("nDCG@5"), metric_named("P@1")
MADE_A_KIND = 40  # questions made from the pages of one folder, at most
WORDS_BEFORE = 3
ON_PAGES = 2  # what a made question asks for is on so many pages at most
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
}
MONTH = {name.lower(): i % 12 + 1 for i, name in enumerate(" ".join(MONTHS.values()).split())}

Draw = np.random.Generator
Grades = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """untouched: the question, or both questions, that it is of; judged: grades of each. grades: of the variant."""

    kind: str
    text: str
    untouched: tuple[str, ...]
    judged: tuple[Grades, ...]
    grades: Grades


# The folder's own questions


def slip(word: str, draw: Draw) -> str:
    """One slip of the pen behind the first letter: two letters change places, one is missing, twice there, or its neighbour's."""
    at = int(draw.integers(1, len(word) - 1))
    kind = draw.integers(4)
    if kind == 0 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    row = next((keys for keys in KEYS if word[at].lower() in keys), "")
    if not row:
        return word[:at] + word[at + 1 :]
    place = row.index(word[at].lower())
    return word[:at] + row[place - 1 if place else 1] + word[at + 1 :]


def _long_words(text: str) -> list[int]:
    """Places of words of five Latin letters or more."""
    return [i for i, word in enumerate(text.split()) if re.fullmatch(r"[A-Za-zÀ-ɏ]{5,}", word.strip("?,.:;'’"))]


def _change(text: str, places: Sequence[int], change: Callable[[str], str]) -> str:
    words = text.split()
    for i in places:
        bare = words[i].strip("?,.:;'’")
        words[i] = words[i].replace(bare, change(bare))
    return " ".join(words)


def one_slip(text: str, language: str, draw: Draw) -> str:  # noqa: ARG001 - as every variant's
    places = _long_words(text)
    return _change(text, [int(draw.choice(places))], lambda word: slip(word, draw)) if places else text


def many_slips(text: str, language: str, draw: Draw) -> str:  # noqa: ARG001
    return _change(text, _long_words(text)[::2], lambda word: slip(word, draw))


def other_number(text: str, language: str, draw: Draw) -> str:
    """Each long English word with an s where it has none, and the other way round: half of them are nouns."""

    def change(word: str) -> str:
        if word.endswith("s"):
            return word if word.endswith(("ss", "us", "is")) else word[:-1]
        return word + "s" if not word.endswith(("ed", "ing", "ly")) else word

    places = _long_words(text) if language == "en" else []
    return _change(text, [int(draw.choice(places))], change) if places else text


def spelt_out(text: str, language: str = "", draw: Draw | None = None) -> str:  # noqa: ARG001
    return text.translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}))


def without_accents(text: str, language: str = "", draw: Draw | None = None) -> str:  # noqa: ARG001
    if language in ("ar", "hi", "ja", "ko", "ru"):
        return text
    bare = (c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "".join(bare)).replace("ß", "ss")


def small_letters(text: str, language: str, draw: Draw) -> str:  # noqa: ARG001
    return re.sub(r"[?,.:;](?=\s|$)", "", text.lower())


OF_QUESTIONS = {
    "one slip": one_slip,
    "a slip in every second long word": many_slips,
    "singular for plural": other_number,
    "umlauts spelt out": spelt_out,
    "accents left out": without_accents,
    "small letters": small_letters,
}


def of_questions(dataset: Dataset) -> Iterator[Variant]:
    asked = dataset.judged
    for kind, change in OF_QUESTIONS.items():
        for query in asked:
            draw = np.random.default_rng(zlib.crc32(f"{kind} {query.id}".encode()))
            text = change(query.text, query.groups.get("language", ""), draw)
            grades = dataset.qrels[query.id]
            if text != query.text:
                yield Variant(kind=kind, text=text, untouched=(query.text,), judged=(grades,), grades=grades)
    order = np.random.default_rng(5).permutation(len(asked)).tolist()
    for first, second in zip(order[::2], order[1::2], strict=False):
        pair = asked[first], asked[second]
        judged = dataset.qrels[pair[0].id], dataset.qrels[pair[1].id]
        one, other = (query.text.rstrip("?.") for query in pair)
        texts = tuple(query.text for query in pair)
        both = {**judged[1], **judged[0]}
        yield Variant(kind="two in one: ? ?", text=f"{one}? {other}?", untouched=texts, judged=judged, grades=both)
        yield Variant(kind="two in one: and", text=f"{one} and {other}", untouched=texts, judged=judged, grades=both)


# Questions made from pages


def numbers(found: re.Match[str]) -> list[str]:
    whole, decimals = re.sub(r"\D", "", found["whole"]), found["decimals"] or ""
    grouped = [f"{int(whole):,}".replace(",", mark) for mark in (",", ".", " ")] + [whole]
    forms = [group + (point + decimals if decimals else "") for group, point in zip(grouped, ".,,.", strict=True)]
    return [form for form in forms if form != found[0]]


def quantities(found: re.Match[str]) -> list[str]:
    return [f"{found['amount']}{found['unit']}" if found["blank"] else f"{found['amount']} {found['unit']}"]


def dates(found: re.Match[str]) -> list[str]:
    parts = found.groupdict()
    day, year = int(parts["day"]), parts["year"]
    month = MONTH.get(parts["month"].lower(), 0) or int(parts["month"] if parts["month"].isdigit() else 0)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return []
    name = MONTHS["en"].split()[month - 1]
    forms = [
        f"{year}-{month:02}-{day:02}",
        f"{day} {name} {year}",
        f"{day:02}.{month:02}.{year}",
        f"{name} {day}, {year}",
    ]
    return [form for form in forms if form != found[0]]


def bare_letters(found: re.Match[str]) -> list[str]:
    return [form for form in (spelt_out(found[0]), without_accents(found[0])) if form != found[0]]


def part_numbers(found: re.Match[str]) -> list[str]:
    parts = re.findall(r"[A-Z]+|[0-9]+", found[0])
    return [form for form in ("".join(parts), " ".join(parts), "-".join(parts).lower()) if form != found[0]]


_MONTHS = "|".join(MONTH)
OF_PAGES: dict[str, tuple[tuple[str, ...], Callable[[re.Match[str]], list[str]]]] = {
    "numbers": (
        (
            r"(?<![\w.,'-])(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+)(?:\.(?P<decimals>[0-9]{1,2}))?(?![\w.,'-]*[0-9])",
            r"(?<![\w.,'-])(?P<whole>[0-9]{1,3}(?:[. ][0-9]{3})+),(?P<decimals>[0-9]{1,2})(?![\w.,'-]*[0-9])",
            r"(?<![\w.,'-])(?P<whole>[0-9]{1,4})[.](?P<decimals>[0-9]{1,2})(?![\w.,'-]*[0-9])",
        ),
        numbers,
    ),
    "quantities": (
        (r"(?<![\w.,'-])(?P<amount>[0-9]+)(?P<blank> ?)(?P<unit>kg|mm|cm|m|km|V|mV|mA|W|kW|kWh|Hz|kHz|MHz|GB|MB)\b",),
        quantities,
    ),
    "dates": (
        (
            rf"(?i)\b(?P<day>[0-9]{{1,2}})\.? (?P<month>{_MONTHS}) (?P<year>[12][0-9]{{3}})\b",
            rf"(?i)\b(?P<month>{_MONTHS}) (?P<day>[0-9]{{1,2}}), (?P<year>[12][0-9]{{3}})\b",
            r"\b(?P<year>[12][0-9]{3})-(?P<month>[01][0-9])-(?P<day>[0-3][0-9])\b",
            r"(?<![\w.])(?P<day>[0-3]?[0-9])\.(?P<month>[01]?[0-9])\.(?P<year>[12][0-9]{3})\b",
        ),
        dates,
    ),
    "accents, of pages": ((r"(?<!\w)(?=[^\W\d_]*[äöüßéèêàçñóíáúãõ])[^\W\d_]{5,}(?!\w)",), bare_letters),
    "part numbers": (
        (r"(?<![\w.-])(?!EUR|USD|GBP|AM|PM)[A-Z]{1,5}[ -]?[0-9]{2,6}(?:-[0-9]{1,4}|-[A-Z]{1,3})?(?![\w-])",),
        part_numbers,
    ),
}


def of_pages(engine: SearchEngine) -> Iterator[Variant]:
    with engine.view() as view:
        ids = view.page_ids()
        described, details = view.describe(ids), view.details(ids)
    texts = {f"{described[i].document}:{described[i].number}": " ".join(details[i].words.texts) for i in ids.tolist()}
    for kind, (patterns, forms_of) in OF_PAGES.items():
        found: dict[str, tuple[str, list[str]]] = {}
        pages: dict[str, set[str]] = defaultdict(set)
        for page, text in texts.items():
            for pattern in patterns:
                for match in re.finditer(pattern, text):
                    before = re.findall(r"[^\W\d_]{3,}", text[max(0, match.start() - 60) : match.start()])[
                        -WORDS_BEFORE:
                    ]
                    forms = forms_of(match)
                    if forms and before:
                        found.setdefault(match[0], (" ".join(before), forms))
                        pages[match[0]].add(page)
        rare = sorted(item for item in found if len(pages[item]) <= ON_PAGES)
        draw = np.random.default_rng(11)
        for item in draw.permutation(rare)[:MADE_A_KIND].tolist():
            before, forms = found[item]
            grades = dict.fromkeys(pages[item], 1)
            asked, other = f"{before} {item}", f"{before} {draw.choice(forms)}"
            yield Variant(kind=kind, text=other, untouched=(asked,), judged=(grades,), grades=grades)


# Asking


def scores(asked: Sequence[tuple[str, Grades]], search: Callable[[str], dict[str, float]]) -> dict[str, Any]:
    """nDCG@5 and whether the first hit is right: (n,) each."""
    names = [str(i) for i in range(len(asked))]
    run = {name: search(text) for name, (text, _) in zip(names, asked, strict=True)}
    qrels = {name: grades for name, (_, grades) in zip(names, asked, strict=True)}
    return per_query(run, qrels, names, [NDCG, FIRST])


def searcher(engine: SearchEngine, config: SearchConfig) -> Callable[[str], dict[str, float]]:
    """Asks each question once."""
    remembered: dict[str, dict[str, float]] = {}

    def search(text: str) -> dict[str, float]:
        if text not in remembered:
            hits = engine.search(text, config=config)
            remembered[text] = {f"{hit.document}:{hit.page}": hit.score for hit in hits}
        return remembered[text]

    return search


def main() -> None:
    rows: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for pair in sys.argv[1:]:
        folder, index = map(Path, pair.split("="))
        dataset = read_folder(folder)
        with SearchEngine.open(index) as engine:
            variants = [*of_questions(dataset), *of_pages(engine)]
            ways = {"as typed": SearchConfig(k=5, mend=False), "mended": SearchConfig(k=5)}
            for way, config in ways.items():
                search = searcher(engine, config)
                everything = scores([(q.text, dataset.qrels[q.id]) for q in dataset.judged], search)
                for metric, values in everything.items():
                    rows["untouched, all"][f"{way} {metric}"] += values.tolist()
                    rows["untouched, all"][f"untouched {metric}"] += values.tolist() if way == "as typed" else []
                for variant in variants:
                    found = scores([(variant.text, variant.grades)], search)
                    plain = scores(list(zip(variant.untouched, variant.judged, strict=True)), search)
                    for metric in found:
                        rows[variant.kind][f"{way} {metric}"] += found[metric].tolist()
                        if way == "as typed":
                            rows[variant.kind][f"untouched {metric}"].append(float(plain[metric].mean()))
            print(folder.name, len(variants), file=sys.stderr, flush=True)
    result = {}
    for kind, columns in rows.items():
        of = {name: np.array(values) for name, values in columns.items()}
        row: dict[str, Any] = {"n": len(of["mended nDCG@5"])}
        for metric, name in ((NDCG.name, "ndcg@5"), (FIRST.name, "first")):
            gain = compare(of[f"mended {metric}"], of[f"as typed {metric}"])
            row[name] = {
                way: round(float(of[f"{way} {metric}"].mean()), 3) for way in ("untouched", "as typed", "mended")
            }
            row[name]["gain"] = [round(gain.a - gain.b, 3), round(gain.low, 3), round(gain.high, 3)]
        result[kind] = row
        print(f"{kind:34}", row, file=sys.stderr)
    write_result("typed", {"collections": [Path(pair.split("=")[0]).name for pair in sys.argv[1:]], "kinds": result})


if __name__ == "__main__":
    main()
