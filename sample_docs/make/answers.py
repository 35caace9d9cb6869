"""Where on their pages the answers are.

`python -m sample_docs.make.answers` writes the boxes into queries.jsonl. An answer is named by its first
and its last words as the page has them, and its box is that of all words between: the row, the field, the
sentences that hold the answer. What has no text layer, or is drawn, is given as an area.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pymupdf

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in page fractions, from the top left
MARGIN = 0.003
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Words:
    """From the first of these words to the last. last: "" for the first alone."""

    first: str
    last: str = ""


@dataclass(frozen=True)
class Area:
    box: Box


REPORT = "finance/annual-report-2025.pdf"
INVOICE = "finance/invoice-2025-0417.pdf"
CHIP = "engineering/datasheet-or3471.pdf"
MANUAL = "engineering/dehumidifier-manual.pdf"
SAFETY = "engineering/safety-data-sheet-klarin-k7.pdf"
ROOF = "science/green-roof-night-cooling.pdf"
SLIDES = "office/product-review-q3-2025.pdf"
CLAIM = "office/travel-claim-form.pdf"
TRUSTEES = "office/trustees-minutes-december.pdf"
COFFEE = "office/coffee-survey-2025.pdf"
OWNERS = "office/protokoll-eigentuemerversammlung.pdf"
TRAVEL = "office/chailvfei-guanli-banfa.pdf"
TOOLS = "public/rapport-activite-2025.pdf"
FERRY = "public/ferry-timetable-winter.pdf"
BROCHURE = "public/observatory-brochure.pdf"
POSTER = "public/kite-festival-poster.pdf"
LETTER = "scans/letter-observatory-1987.pdf"
WELLS = "scans/well-water-analysis.pdf"

ANSWERS: dict[tuple[str, str, int], Words | Area] = {
    ("q01", REPORT, 10): Words("In June a student", "in August."),
    ("q02", REPORT, 3): Words("The insurers have paid", "adjusted any figure for it."),
    ("q03", SAFETY, 1): Words("2.3 Other hazards:", "in one sink."),
    ("q03", SAFETY, 2): Words("Stable as stored.", "more dangerous."),
    ("q04", MANUAL, 7): Words("The pump lifts", "allowed."),
    ("q04", SAFETY, 3): Words("Pump of a dehumidifier", "10 min"),
    ("q05", TRUSTEES, 1): Words("Mrs Hartnell presented", "had to be strengthened."),
    ("q06", ROOF, 2): Words("Over all 192", "Ferrante and Bohl."),
    ("q07", MANUAL, 2): Words("Let the machine", "compressor."),
    ("q08", BROCHURE, 3): Words("If it is cloudy", "for a year."),
    ("q09", SLIDES, 3): Words("Winter pause", "back by May."),
    ("q10", REPORT, 3): Words("Kirsten Aaboe steps", "to do it."),
    ("q10", REPORT, 14): Words("Kirsten Aaboe", "18,300"),
    ("q11", CHIP, 5): Words("Place nine vias", "63 K/W."),
    ("q12", OWNERS, 3): Words("Die Ruhezeit am Mittag", "nach 22 Uhr."),
    ("q13", TOOLS, 2): Words("Le printemps reste", "trois semaines."),
    ("q14", TRAVEL, 2): Words("第十四条", "不再受理。"),
    ("q15", REPORT, 16): Words("Note 7: borrowings", "80.5"),
    ("q16", REPORT, 14): Words("Hanne Brix Moller,", "891"),
    ("q17", TOOLS, 2): Words("Les plus empruntés", "139 6"),
    ("q18", FERRY, 2): Area((0.04, 0.40, 0.78, 0.43)),
    ("q19", CHIP, 2): Area((0.07, 0.53, 0.93, 0.56)),
    ("q20", CHIP, 6): Area((0.07, 0.15, 0.93, 0.21)),
    ("q21", MANUAL, 9): Words("E7", "after 40 minutes."),
    ("q22", COFFEE, 3): Area((0.09, 0.53, 0.92, 0.71)),
    ("q23", OWNERS, 2): Area((0.10, 0.24, 0.91, 0.265)),
    ("q24", TRAVEL, 2): Area((0.11, 0.535, 0.89, 0.575)),
    ("q25", REPORT, 7): Area((0.07, 0.13, 0.94, 0.45)),
    ("q26", REPORT, 4): Area((0.51, 0.34, 0.93, 0.58)),
    ("q27", MANUAL, 4): Area((0.13, 0.24, 0.88, 0.57)),
    ("q28", COFFEE, 2): Area((0.08, 0.22, 0.92, 0.60)),
    ("q29", COFFEE, 3): Area((0.54, 0.23, 0.92, 0.47)),
    ("q30", COFFEE, 4): Area((0.10, 0.59, 0.90, 0.84)),
    ("q31", TRUSTEES, 2): Area((0.12, 0.19, 0.89, 0.42)),
    ("q32", ROOF, 5): Area((0.52, 0.42, 0.93, 0.65)),
    ("q33", CHIP, 4): Area((0.51, 0.37, 0.93, 0.60)),
    ("q34", SLIDES, 12): Area((0.06, 0.20, 0.95, 0.86)),
    ("q35", LETTER, 1): Area((0.12, 0.50, 0.88, 0.59)),
    ("q36", LETTER, 2): Area((0.14, 0.25, 0.92, 0.43)),
    ("q37", LETTER, 1): Area((0.12, 0.40, 0.88, 0.49)),
    ("q38", LETTER, 2): Area((0.12, 0.56, 0.90, 0.65)),
    ("q39", WELLS, 1): Area((0.09, 0.46, 0.93, 0.51)),
    ("q40", WELLS, 2): Area((0.08, 0.48, 0.94, 0.62)),
    ("q41", WELLS, 2): Area((0.10, 0.67, 0.94, 0.73)),
    ("q42", WELLS, 1): Area((0.09, 0.38, 0.93, 0.43)),
    ("q43", LETTER, 1): Area((0.12, 0.60, 0.88, 0.75)),
    ("q44", OWNERS, 3): Words("Nach längerer Aussprache", "drei Elektroautos."),
    ("q45", OWNERS, 3): Area((0.09, 0.10, 0.90, 0.19)),
    ("q46", TOOLS, 3): Words("Imprimantes 84", "23 %"),
    ("q47", TOOLS, 4): Words("À nos 64 bénévoles,", "quatre emplois."),
    ("q48", TRAVEL, 1): Words("第五条", "流程见图一。"),
    ("q49", TRAVEL, 2): Words("第十三条", "日子减半。"),
    ("q50", MANUAL, 8): Words("Brush the filter;", "250 hours"),
    ("q51", REPORT, 11): Words("The accident rate", "outside engineer."),
    ("q52", FERRY, 1): Area((0.04, 0.59, 0.64, 0.78)),
    ("q53", INVOICE, 2): Words("Charity discount,", "\u22121,139.40"),
    ("q54", CLAIM, 2): Area((0.07, 0.76, 0.66, 0.83)),
    ("q55", CLAIM, 2): Area((0.07, 0.76, 0.66, 0.83)),
    ("q56", CLAIM, 1): Area((0.42, 0.155, 0.72, 0.19)),
    ("q57", CLAIM, 1): Area((0.07, 0.345, 0.93, 0.37)),
    ("q57", CLAIM, 2): Area((0.07, 0.38, 0.93, 0.45)),
    ("q58", CLAIM, 2): Area((0.07, 0.13, 0.93, 0.35)),
    ("q58", TRAVEL, 2): Words("第十二条", "各扣四成。"),
    ("q59", BROCHURE, 1): Area((0.0, 0.2, 1.0, 0.93)),
    ("q60", POSTER, 1): Area((0.0, 0.25, 1.0, 0.74)),
}
# The second place of an answer that stands in two.
MORE: dict[tuple[str, str, int], Words | Area] = {
    ("q46", TOOLS, 3): Area((0.13, 0.275, 0.88, 0.30)),
    ("q53", INVOICE, 2): Words("Please pay by bank transfer", "a month."),
    ("q54", CLAIM, 2): Words("The conference dinner", "enclosed."),
}


def main() -> None:
    path = ROOT / "queries.jsonl"
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        query = json.loads(line)
        for judged in query["relevant"]:
            key = query["id"], judged["document"], judged["page"]
            places = [table[key] for table in (ANSWERS, MORE) if key in table]
            if places:
                judged["boxes"] = [[round(x, 3) for x in box_of(key, place)] for place in places]
        lines.append(json.dumps(query, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


def box_of(key: tuple[str, str, int], place: Words | Area) -> Box:
    """Raises ValueError if the page does not have these words."""
    if isinstance(place, Area):
        return place.box
    _, document, number = key
    with pymupdf.open(ROOT / document) as pdf:
        page = pdf[number - 1]
        width, height = page.rect.width, page.rect.height
        words = page.get_text("words")
    texts = [word[4] for word in words]
    start = _find(texts, place.first.split(), 0, key)
    stop = start + len(place.first.split())
    if place.last:
        stop = _find(texts, place.last.split(), start, key) + len(place.last.split())
    x0, y0 = (min(word[side] for word in words[start:stop]) for side in (0, 1))
    x1, y1 = (max(word[side] for word in words[start:stop]) for side in (2, 3))
    inside = x0 / width - MARGIN, y0 / height - MARGIN, x1 / width + MARGIN, y1 / height + MARGIN
    left, top, right, bottom = (min(1.0, max(0.0, value)) for value in inside)
    return left, top, right, bottom


def _find(texts: list[str], sought: list[str], at: int, key: tuple[str, str, int]) -> int:
    """Where these words stand. In scripts without blanks, one begins with what is sought, or ends in it."""
    for i in range(at, len(texts) - len(sought) + 1):
        here = texts[i : i + len(sought)]
        alone = len(sought) == 1
        if here == sought or (alone and (here[0].startswith(sought[0]) or here[0].endswith(sought[0]))):
            return i
    raise ValueError(f"{key}: the page has no {' '.join(sought)!r} after word {at}")


if __name__ == "__main__":
    main()
