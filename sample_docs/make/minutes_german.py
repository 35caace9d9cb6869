"""Protokoll einer Eigentümerversammlung: German minutes with votes, a budget and a chart."""

# ruff: noqa: RUF001
from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer

from . import minutes_german_text as words
from .form_parts import signature
from .kit import Draw, Meta, build, label
from .look import Look, prose, table
from .plot import Plot, axes, figure

NAME = "office/protokoll-eigentuemerversammlung.pdf"
W, H = A4
L, R = 62.0, A4[0] - 62.0
FULL = R - L
LOOK = Look(
    family="Noto",
    ink="#20262b",
    accent="#3b5b46",
    second="#b07b2c",
    tint="#eef2ee",
    line="#c0cac2",
    muted="#66716a",
    size=10.2,
    leading=14.8,
)


def heating(w: float = FULL, h: float = 165) -> Plot:
    """Consumption and price pull in opposite directions."""
    fig = figure(w, h)
    ax = axes(fig, LOOK, (34, 20, w - 48, h - 44), size=8)
    years = ("2019", "2020", "2021", "2022", "2023", "2024")
    used, price = (468, 441, 497, 430, 402, 388), (7.1, 6.9, 7.4, 11.8, 17.2, 14.6)
    ax.bar(years, used, width=0.55, color="#a9c2b0")
    for i, v in enumerate(used):
        ax.text(i, v - 62, str(v), ha="center", fontsize=8, color=LOOK.ink)
    ax.set(ylim=(0, 960), yticks=(0, 250, 500))
    up = ax.twinx()
    up.set(ylim=(-24, 20), yticks=[])
    for side in up.spines.values():
        side.set_visible(False)
    up.tick_params(length=0)
    up.plot(range(6), price, color=LOOK.second, linewidth=2, marker="o", markersize=4)
    for i, cents in enumerate(price):
        up.text(
            i,
            cents + 1.6,
            f"{cents:.1f}".replace(".", ","),
            ha="center",
            fontsize=8,
            weight="bold",
            color=LOOK.second,
        )
    fig.text(0.045, 0.93, "Verbrauch, MWh", fontsize=8, color="#5d7a66", weight="bold")
    fig.text(0.25, 0.93, "Preis, Cent je kWh", fontsize=8, color=LOOK.second, weight="bold")
    return Plot(fig, LOOK)


def furniture(c: Canvas, page: int) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(L, H - 50, 14, 14, stroke=0, fill=1)
    c.setFillColor(HexColor(LOOK.second))
    c.rect(L + 8, H - 44, 14, 14, stroke=0, fill=1)
    label(c, L + 30, H - 46, "Kranich Hausverwaltung", LOOK.font(bold=True), 10, LOOK.accent)
    label(c, R, H - 46, "WEG Am Sperlingsgrund 12–18, Leipzig", LOOK.font(), 8, LOOK.muted, "r")
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.6)
    c.line(L, 48, R, 48)
    label(c, L, 36, "Protokoll der Eigentümerversammlung vom 12. Juni 2025", LOOK.font(), 7.4, LOOK.muted)
    label(c, R, 36, f"Seite {page} von 4", LOOK.font(), 7.4, LOOK.muted, "r")


def signatures(c: Canvas, w: float, h: float) -> None:
    for x, name, role, seed in (
        (0, "Kerstin Ohnesorg", "Versammlungsleitung", 0.9),
        (w / 3 + 4, "Dr. Ute Sedlmayr", "Beirat", 2.2),
        (2 * w / 3 + 8, "Jonas Wittig", "Protokoll", 3.4),
    ):
        signature(c, x + 8, h - 34, 78, seed, 8)
        c.setStrokeColor(HexColor(LOOK.ink))
        c.setLineWidth(0.6)
        c.line(x, h - 40, x + w / 3 - 14, h - 40)
        label(c, x, h - 51, name, LOOK.font(), 8, LOOK.ink)
        label(c, x, h - 62, role, LOOK.font(), 7.4, LOOK.muted)


def make(out: Path) -> None:
    verdict = [
        ("TEXTCOLOR", (5, 5), (5, 5), HexColor("#a3331f")),
        ("TEXTCOLOR", (5, 7), (5, 7), HexColor(LOOK.second)),
    ]
    story: list[Flowable] = [
        *prose(LOOK, "# Protokoll der ordentlichen Eigentümerversammlung 2025"),
        *prose(LOOK, words.OPENING),
        *prose(LOOK, "## Ergebnisse im Überblick"),
        table(
            LOOK,
            words.AGENDA,
            (30, FULL - 30 - 126 - 70, 42, 42, 42, 70),
            "clrrrl",
            filled=True,
            zebra=True,
            pad=3.2,
            extra=verdict,
        ),
        *prose(
            LOOK,
            "Stimmen in Tausendsteln der Anteile. Reihenfolge der Behandlung: 1 bis 4, 6, 5, 7 bis 9.",
            "caption",
        ),
        *prose(LOOK, words.ITEMS_1),
        CondPageBreak(320),
        table(LOOK, words.BUDGET, (FULL - 260, 65, 65, 65, 65), "lrrrr", total=[11], pad=3.0),
        Spacer(0, 6),
        KeepTogether(
            [
                *prose(LOOK, "### Heizung: Verbrauch und Preis seit 2019"),
                heating(),
                *prose(
                    LOOK,
                    "Gas für beide Kessel; der Preis enthält Netzentgelt und Steuern, nicht den Grundpreis.",
                    "caption",
                ),
            ]
        ),
        *prose(LOOK, words.ITEMS_2),
        *prose(LOOK, words.ITEMS_3),
        KeepTogether(
            [
                *prose(LOOK, "## Aufgaben"),
                table(LOOK, words.TASKS, (FULL - 200, 120, 80), "llr", zebra=True, pad=3.2),
                Spacer(0, 8),
            ]
        ),
        *prose(LOOK, words.MISC),
        Spacer(0, 22),
        Draw(FULL, 74, signatures),
        *prose(LOOK, "## Anlage 1   Anwesenheit"),
        table(LOOK, words.PRESENT, (FULL - 5 * 66, *[66] * 5), "lrrrrr", total=[5], pad=3.2),
        Spacer(0, 8),
        *prose(LOOK, words.RULES),
    ]
    meta = Meta(
        "Protokoll der Eigentümerversammlung 2025",
        "Kranich Hausverwaltung",
        "WEG Am Sperlingsgrund 12–18",
        "de",
    )
    build(out / NAME, meta, A4, story, (L, 76, W - R, 60), furniture)
