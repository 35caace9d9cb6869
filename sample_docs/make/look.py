"""Typography: the house style of an organisation, running text and tables.

A `Look` is one organisation's typeface, colours and sizes. Text is written in a small markup
(see `prose`) so that the content of a document reads like text, not like code.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_JUSTIFY, TA_LEFT
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from .fonts import face

WHITE = HexColor("#ffffff")


BLACK = HexColor("#000000")


@dataclass(frozen=True)
class Look:
    """The house style of one organisation."""

    family: str = "Noto"
    display: str = ""
    display_bold: bool = True
    ink: str = "#22262b"
    accent: str = "#1f5fa8"
    second: str = "#d9822b"
    tint: str = "#eef2f6"
    line: str = "#c3cad2"
    muted: str = "#68707a"
    size: float = 9.2
    leading: float = 13.0
    justify: bool = False
    cjk: bool = False

    def font(self, bold: bool = False, italic: bool = False) -> str:
        return face(self.family, bold, italic)

    def display_font(self) -> str:
        return face(self.display or self.family, self.display_bold)

    def style(self, name: str = "body", **changes: Any) -> ParagraphStyle:
        s, ink, accent = self.size, HexColor(self.ink), HexColor(self.accent)
        base: dict[str, Any] = {
            "fontName": self.font(),
            "fontSize": s,
            "leading": self.leading,
            "textColor": ink,
            "alignment": TA_JUSTIFY if self.justify else TA_LEFT,
            "wordWrap": "CJK" if self.cjk else None,
            "bulletFontName": self.font(),
            "bulletFontSize": s,
            "allowWidows": 0,
            "allowOrphans": 0,
            "splitLongWords": 0,
        }
        bold = {"fontName": self.display_font(), "alignment": TA_LEFT, "keepWithNext": 1}
        kinds: dict[str, dict[str, Any]] = {
            "body": {"spaceAfter": self.leading * 0.5},
            "h1": bold
            | {"fontSize": s * 2.1, "leading": s * 2.6, "textColor": accent, "spaceAfter": s * 1.1},
            "h2": bold
            | {
                "fontSize": s * 1.3,
                "leading": s * 1.7,
                "textColor": accent,
                "spaceBefore": s * 0.9,
                "spaceAfter": s * 0.4,
            },
            "h3": bold | {"fontSize": s, "spaceBefore": s * 0.5, "spaceAfter": s * 0.2},
            "lead": {"fontSize": s * 1.25, "leading": s * 1.8, "spaceAfter": s, "alignment": TA_LEFT},
            "small": {"fontSize": s * 0.82, "leading": s * 1.12, "alignment": TA_LEFT},
            "caption": {
                "fontSize": s * 0.85,
                "leading": s * 1.15,
                "textColor": HexColor(self.muted),
                "spaceBefore": s * 0.3,
                "spaceAfter": s * 1.0,
                "alignment": TA_LEFT,
            },
            "bullet": {"leftIndent": s * 1.3, "bulletIndent": s * 0.2, "spaceAfter": s * 0.3},
            "cell": {"fontSize": s * 0.9, "leading": s * 1.17, "alignment": TA_LEFT},
        }
        return ParagraphStyle(name, **(base | kinds[name] | changes))


def prose(look: Look, text: str, style: str = "body", **changes: Any) -> list[Flowable]:
    """Blocks parted by blank lines: `# `, `## `, `### ` headings, `> ` lead, `- ` and `1) ` items."""
    out: list[Flowable] = []
    for block in textwrap.dedent(text).strip().split("\n\n"):
        block = block.strip("\n")
        for mark, kind in (("### ", "h3"), ("## ", "h2"), ("# ", "h1"), ("> ", "lead")):
            if block.startswith(mark):
                own = changes if kind == "lead" else {}
                out.append(Paragraph(_joined(block[len(mark) :], look), look.style(kind, **own)))
                break
        else:
            if block.startswith("- "):
                for item in ("\n" + block).split("\n- ")[1:]:
                    bullet = look.style("bullet", bulletColor=HexColor(look.accent), **changes)
                    out.append(Paragraph(_joined(item, look), bullet, bulletText="•"))
                out.append(Spacer(0, look.size * 0.3))
            elif block.split(") ")[0].isdigit():
                for line in _items(block):
                    number, _, item = line.partition(") ")
                    own = {"leftIndent": look.size * 1.9, "bulletFontName": look.font(bold=True)} | changes
                    bullet = look.style("bullet", **own)
                    out.append(Paragraph(_joined(item, look), bullet, bulletText=f"{number}."))
                out.append(Spacer(0, look.size * 0.3))
            else:
                out.append(Paragraph(_joined(block, look), look.style(style, **changes)))
    return out


def _joined(block: str, look: Look) -> str:
    """Source lines become one line; Chinese has no spaces between words, so none come in."""
    return ("" if look.cjk else " ").join(part.strip() for part in block.split("\n"))


def _items(block: str) -> list[str]:
    """`1) ...` items, each perhaps over several source lines."""
    items: list[str] = []
    for part in block.split("\n"):
        if part.split(") ")[0].isdigit():
            items.append(part)
        else:
            items[-1] += " " + part.strip()
    return items


def table(
    look: Look,
    rows: Sequence[Sequence[Any]],
    widths: Sequence[float],
    align: str,
    *,
    head: int = 1,
    total: Iterable[int] = (),
    bold: Iterable[int] = (),
    grid: bool = False,
    zebra: bool = False,
    filled: bool = False,
    size: float = 0.0,
    pad: float = 3.0,
    extra: Sequence[tuple[Any, ...]] = (),
) -> Table:
    """A table with aligned columns; align has one letter a column: l, r, c or p (wrapped text)."""
    size = size or look.size * 0.9
    cell = look.style("cell", fontSize=size, leading=size * 1.3)
    cells: list[list[Any]] = []
    for i, row in enumerate(rows):
        heading = i < head
        cells.append(
            [
                Paragraph(v, cell) if a == "p" and isinstance(v, str) and not heading else v
                for v, a in zip(row, align, strict=True)
            ]
        )
    ink, accent, line = HexColor(look.ink), HexColor(look.accent), HexColor(look.line)
    style: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), look.font(), size, size * 1.3),
        ("TEXTCOLOR", (0, 0), (-1, -1), ink),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("VALIGN", (0, 0), (-1, head - 1), "BOTTOM"),
        ("TOPPADDING", (0, 0), (-1, -1), pad),
        ("BOTTOMPADDING", (0, 0), (-1, -1), pad),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]
    for col, a in enumerate(align):
        where = {"r": "RIGHT", "c": "CENTER"}.get(a, "LEFT")
        style.append(("ALIGN", (col, 0), (col, -1), where))
    if head:
        style.append(("FONT", (0, 0), (-1, head - 1), look.font(bold=True), size, size * 1.3))
        if filled:
            style += [
                ("BACKGROUND", (0, 0), (-1, head - 1), accent),
                ("TEXTCOLOR", (0, 0), (-1, head - 1), WHITE),
            ]
        else:
            style.append(("LINEBELOW", (0, head - 1), (-1, head - 1), 0.9, accent))
    if grid:
        style.append(("GRID", (0, 0), (-1, -1), 0.4, line))
    else:
        style.append(("LINEBELOW", (0, head), (-1, -1), 0.35, line))
    if zebra:
        style.append(("ROWBACKGROUNDS", (0, head), (-1, -1), [WHITE, HexColor(look.tint)]))
    for row_number in [*bold, *total]:
        where_row = ((0, row_number), (-1, row_number))
        style.append(("FONT", *where_row, look.font(bold=True), size, size * 1.3))
    for row_number in total:
        style.append(("LINEABOVE", (0, row_number), (-1, row_number), 0.9, accent))
    return Table(cells, colWidths=list(widths), style=TableStyle([*style, *extra]), repeatRows=head)
