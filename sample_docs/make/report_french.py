"""Rapport d'activite: French yearly report of a tool library, with charts and accounts."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from . import report_french_text as words
from .kit import Meta, flow, label, save
from .look import WHITE, Look, prose, table
from .plot import Plot, axes, figure

NAME = "public/rapport-activite-2025.pdf"
W, H = A4
L, R = 52.0, A4[0] - 52.0
FULL = R - L
GAP = 22.0
HALF = (FULL - GAP) / 2
LOOK = Look(
    family="Fira",
    ink="#2a2522",
    accent="#b5452c",
    second="#2f6f73",
    tint="#fbf3ea",
    line="#dccfc0",
    muted="#7d7168",
    size=10.4,
    leading=15.2,
)
OCHRE, SAND = "#e0a33a", "#e6d2b5"


def head(c: Canvas, title: str) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(0, H - 8, W, 8, stroke=0, fill=1)
    label(c, L, H - 56, title, LOOK.font(bold=True), 22, LOOK.accent)
    label(c, L, 30, "La Bricole, bibliothèque d'outils", LOOK.font(), 7.6, LOOK.muted)
    label(c, W / 2, 30, "Rapport d'activité 2025", LOOK.font(), 7.6, LOOK.muted, "c")
    label(c, R, 30, f"{c.getPageNumber()} / 4", LOOK.font(bold=True), 7.6, LOOK.muted, "r")


def spanner(c: Canvas, x: float, y: float, s: float, turn: float, color: str) -> None:
    """A double-ended spanner: the mark of the association."""
    c.saveState()
    c.translate(x, y)
    c.rotate(turn)
    c.setFillColor(HexColor(color))
    c.rect(-s, -0.16 * s, 2 * s, 0.32 * s, stroke=0, fill=1)
    for side in (-1, 1):
        c.circle(side * 1.15 * s, 0, 0.42 * s, stroke=0, fill=1)
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(1.2 * s, -0.17 * s, 0.6 * s, 0.34 * s, stroke=0, fill=1)
    c.circle(-1.15 * s, 0, 0.2 * s, stroke=0, fill=1)
    c.restoreState()


def first(c: Canvas) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(0, H - 262, W, 262, stroke=0, fill=1)
    for k, (x, up, s, turn) in enumerate(
        ((470, 720, 62, 35), (440, 628, 34, -20), (548, 612, 26, 80), (400, 790, 24, 10))
    ):
        spanner(c, x, up, s, turn, (OCHRE, SAND, "#d9755c", "#d9755c")[k])
    label(c, L, H - 74, "La Bricole", LOOK.font(bold=True), 20, WHITE)
    label(c, L, H - 92, "bibliothèque d'outils, Toulouse", LOOK.font(), 11, "#f6d9c9")
    label(c, L, H - 190, "Rapport d'activité", LOOK.font(bold=True), 34, WHITE)
    label(c, L, H - 228, "2025", LOOK.font(bold=True), 34, OCHRE)
    facts = (
        ("9 412", "prêts"),
        ("1 386", "foyers adhérents"),
        ("793", "objets réparés"),
        ("64", "bénévoles"),
    )
    for k, (number, what) in enumerate(facts):
        x = L + k * FULL / 4
        label(c, x, H - 312, number, LOOK.font(bold=True), 26, LOOK.second)
        label(c, x, H - 328, what, LOOK.font(), 9.5, LOOK.ink)
    y = flow(c, L, H - 362, FULL, prose(LOOK, words.EDITO, fontSize=11.6, leading=17.4))
    label(
        c,
        L,
        y - 12,
        "Nadège Arnal-Ferrer et Soufiane Belkacem, coprésidents",
        LOOK.font(italic=True),
        10,
        LOOK.ink,
    )
    contents = [
        ["Les prêts et les adhérents", "2"],
        ["L'atelier de réparation", "3"],
        ["Comptes et projets", "4"],
    ]
    flow(
        c,
        L,
        y - 40,
        HALF,
        [*prose(LOOK, "## Au sommaire"), table(LOOK, contents, (HALF - 40, 40), "lr", head=0)],
        46,
    )
    label(c, L, 30, "Association loi 1901, fondée en 2016", LOOK.font(), 7.6, LOOK.muted)


def loans_by_month(w: float = FULL, h: float = 200) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (32, 20, w - 40, h - 40), size=8)
    months = (
        "janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
    )  # fmt: skip
    this = (640, 215, 905, 1120, 1148, 930, 712, 508, 842, 906, 788, 698)
    last = (588, 602, 811, 986, 1010, 842, 655, 431, 690, 741, 655, 574)
    ax.bar(months, this, width=0.62, color=LOOK.accent)
    ax.plot(range(12), last, color=LOOK.second, linewidth=1.8, marker="o", markersize=3.5)
    for i, v in enumerate(this):
        ax.text(
            i,
            v + 22,
            f"{v:,}".replace(",", " "),
            ha="center",
            fontsize=7.5,
            color=LOOK.ink,
        )
    ax.set(ylim=(0, 1330), yticks=(0, 300, 600, 900, 1200))
    fig.text(0.075, 0.93, "2025", fontsize=9, weight="bold", color=LOOK.accent)
    fig.text(0.14, 0.93, "2024", fontsize=9, weight="bold", color=LOOK.second)
    return Plot(fig, LOOK)


def fee_donut(w: float = HALF, h: float = 150) -> Plot:
    fig = figure(w, h)
    ax = fig.add_axes((0.0, 0.04, h * 0.92 / w, 0.92), aspect="equal")
    parts = (
        ("8 €", 33, LOOK.accent),
        ("15 €", 24, OCHRE),
        ("25 €", 22, SAND),
        ("35 €", 13, "#7fb0ad"),
        ("45 €", 8, LOOK.second),
    )
    ax.pie([v for _, v, _ in parts], colors=[k for *_, k in parts], startangle=90, counterclock=False,
           wedgeprops={"width": 0.4, "edgecolor": "white"}, radius=1.2)  # fmt: skip
    ax.text(0, 0, "1 386\nfoyers", ha="center", va="center", fontsize=10, weight="bold", color=LOOK.ink)
    for k, (name, share, colour) in enumerate(parts):
        fig.text(
            0.66,
            0.80 - k * 0.155,
            f"{share} %",
            fontsize=10,
            weight="bold",
            color=colour if colour != SAND else "#a98f66",
        )
        fig.text(0.82, 0.80 - k * 0.155, name, fontsize=9, color=LOOK.ink)
    return Plot(fig, LOOK)


def second(c: Canvas) -> None:
    head(c, "Prêter")
    y = flow(c, L, H - 74, FULL, [*prose(LOOK, "### Nombre de prêts par mois"), loans_by_month()])
    a = flow(c, L, y - 8, HALF, prose(LOOK, words.LOANS_TEXT))
    right = [
        *prose(LOOK, "### Part de chaque tarif de cotisation"),
        fee_donut(),
        *prose(LOOK, "Du quotient familial le plus bas (8 €) au plus élevé (45 €).", "caption"),
    ]
    b = flow(c, L + HALF + GAP, y - 12, HALF, right)
    y = min(a, b) - 6
    flow(c, L, y, HALF, prose(LOOK, words.MEMBERS_TEXT), 46)
    top = table(LOOK, words.TOP, (HALF - 126, 42, 44, 40), "lrrr", zebra=True, pad=4.4, size=8.6)
    flow(c, L + HALF + GAP, y - 12, HALF, [top], 46)


def success_rates(w: float = FULL, h: float = 205) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (112, 18, w - 130, h - 22), size=8.5, grid="x")
    rows = [(name, int(a.replace(" ", "")), int(b.replace(" ", ""))) for name, a, b, _ in words.REPAIRS[1:-1]]
    for i, (_, brought, mended) in enumerate(rows):
        ax.barh(i, brought, height=0.62, color=SAND)
        ax.barh(i, mended, height=0.62, color=LOOK.second)
        ax.text(brought + 3, i, f"{mended} sur {brought}", va="center", fontsize=8, color=LOOK.ink)
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, 250), xticks=(0, 50, 100, 150, 200))
    return Plot(fig, LOOK)


def third(c: Canvas) -> None:
    head(c, "Réparer")
    y = flow(c, L, H - 74, FULL, [*prose(LOOK, "### Objets apportés et objets réparés"), success_rates()])
    a = flow(c, L, y - 10, HALF, prose(LOOK, words.WORKSHOP_TEXT))
    t = table(LOOK, words.REPAIRS, (HALF - 138, 48, 48, 42), "lrrr", total=[9], pad=4.2, size=8.8)
    b = flow(c, L + HALF + GAP, y - 14, HALF, [t])
    y = min(a, b) - 22
    stories = """
    ## Trois histoires

    <b>La radio de Monsieur Espinasse.</b> Un poste de 1958, muet depuis la mort de sa femme. Un condensateur
    à deux euros, et la voix d'un commentateur de rugby a rempli l'atelier. Il vient maintenant chaque
    samedi, pour le café.

    <b>Le manège de la crèche.</b> Moteur grillé, fabricant disparu. Nous avons monté celui d'un
    essuie-glace. La vitesse est un peu plus élevée qu'avant ; les enfants n'ont pas protesté.

    <b>L'imprimante numéro 65.</b> Elle affichait « réservoir plein » alors qu'il ne l'était pas. Un compteur
    caché bloque la machine après un certain nombre de pages. Nous avons écrit au fabricant, à un journal et
    au député. Le journal a répondu.
    """
    flow(c, L, y, FULL, prose(LOOK, stories), 46)


def fourth(c: Canvas) -> None:
    head(c, "Comptes et projets")
    widths = (FULL - 210, 65, 65, 80)
    t = table(LOOK, words.ACCOUNTS, widths, "lrrr", total=[6, 13, 14], pad=3.8)
    y = flow(c, L, H - 80, FULL, [t, *prose(LOOK, words.ACCOUNTS_TEXT, "caption")])
    flow(c, L, y - 4, FULL, prose(LOOK, words.PROJECTS), 46)


def make(out: Path) -> None:
    meta = Meta(
        "Rapport d'activité 2025", "La Bricole, bibliothèque d'outils", "Prêts, réparations, comptes", "fr"
    )
    save(out / NAME, meta, A4, [first, second, third, fourth])
