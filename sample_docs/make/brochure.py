"""Visitors' brochure of an observatory, square, with two photographs."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .fonts import face
from .kit import Meta, flow, jpeg, label, save
from .look import WHITE, Look, prose, table
from .picture_lamp import desk_lamp
from .picture_sky import night_sky

NAME = "public/observatory-brochure.pdf"
S = 560.0
L, R = 40.0, S - 40.0
LOOK = Look(
    family="Fira",
    display="Stix",
    display_bold=False,
    ink="#20242c",
    accent="#a5281b",
    second="#1c2c4c",
    tint="#f2efe9",
    line="#cfc8bc",
    muted="#73706a",
    size=10.0,
    leading=14.6,
)
NIGHT = "#0d1524"


def cover(c: Canvas) -> None:
    c.drawImage(jpeg(night_sky(), 80), 0, 0, S, S)
    label(c, L, S - 58, "Whitcombe", face("Stix"), 40, WHITE)
    label(c, L, S - 98, "Observatory", face("Stix"), 40, WHITE)
    label(
        c,
        L,
        26,
        "The old dome and the summer Milky Way over Ashmere, 14 August 2025, 1:20.",
        LOOK.font(),
        7.6,
        "#b9c0cc",
    )
    label(
        c,
        L,
        15,
        "The glow on the right is Ashcombe, eleven kilometres away. Exposure 25 s. Photograph: Idris Penhale",
        LOOK.font(),
        7.6,
        "#b9c0cc",
    )


def story(c: Canvas) -> None:
    c.setFillColor(HexColor(LOOK.tint))
    c.rect(0, 0, S, S, stroke=0, fill=1)
    h = S * 0.46
    c.drawImage(jpeg(desk_lamp(1260, 580), 80), 0, S - h, S, h)
    caption = (
        "The desk in the reading room. The brass balls are counterweights of the 1911 mounting; "
        "the mug belongs to whoever is on duty."
    )
    label(c, L, S - h - 13, caption, LOOK.font(italic=True), 7.4, LOOK.muted)
    left = """
    ## A dome with a village

    The 26-inch refractor came to Gallows Down in 1911 on eleven ox carts, because the brewer Josiah Penhale
    had lost a bet about the return of a comet. His heirs gave it to a trust in 1934. Since then amateurs
    have run it, and professionals have asked them for data: the list of variable stars observed here without
    a gap is the third longest in the world.

    ## What you will see

    On an ordinary clear evening: the rings of Saturn or the bands of Jupiter, a double star in two colours,
    a star cluster, and after eleven a galaxy.
    """
    right = """
    ## The fight for the night

    In the eighties new street lamps took away half of our stars. After two years of letters, and one evening
    with soup, the county fitted yellow low-pressure lamps with flat glass along the bypass. They were
    replaced in 2019 by amber LEDs, dimmed from eleven at night. The sky overhead measures 21.2 magnitudes
    again, better than in 1986.

    You can help: use red torches on the hill, park with lights off, and leave the bedroom blinds of the
    guest house down.
    """
    w = (R - L - 24) / 2
    top = S - h - 26
    flow(c, L, top, w, prose(LOOK, left), 20)
    flow(c, L + w + 24, top, w, prose(LOOK, right), 20)


def visit(c: Canvas) -> None:
    c.setFillColor(HexColor(NIGHT))
    c.rect(0, S - 108, S, 108, stroke=0, fill=1)
    label(c, L, S - 66, "Visit us in 2026", face("Stix"), 32, WHITE)
    label(
        c,
        L,
        S - 88,
        "Every clear Friday from September to April, and on the nights below",
        LOOK.font(),
        10,
        "#c9cfdb",
    )
    w = (R - L - 24) / 2
    nights = [
        ["Special nights", "Doors", "Places"],
        ["Sat 24 January   Orion for beginners", "18:30", "60"],
        ["Sat 28 February   Six planets at dusk", "17:15", "120"],
        ["Sat 28 March   Night of the Moon", "19:00", "120"],
        ["Wed 12 August   Eclipse and meteors", "17:30", "400"],
        ["Fri 25 September   Open dome, free", "19:00", "no limit"],
        ["Sat 14 November   Long exposure workshop", "20:00", "12"],
        ["Sun 13 December   Geminids with soup", "21:00", "80"],
    ]
    y = flow(c, L, S - 126, R - L, [table(LOOK, nights, (R - L - 130, 60, 70), "lrr", pad=4)])
    prices = [
        ["Admission", "£"],
        ["Adults", "9.00"],
        ["Under 16, students", "4.50"],
        ["Family, two adults and all children", "20.00"],
        ["Workshop, with use of a camera", "45.00"],
        ["School class, by day", "60.00"],
    ]
    left = [*prose(LOOK, "## What it costs"), table(LOOK, prices, (w - 50, 50), "lr", pad=3.8)]
    right = """
    ## How to find us

    <b>Bus 41</b> from Ashcombe station to Gallows Down, 27 minutes; the last one back leaves at 23:10. On
    special nights an extra bus runs at 1:00.

    <b>By car</b> take the lane behind the cattle market. The last 300 metres are closed after dusk.

    <b>Wheelchairs</b> reach the small dome and the terrace. The 26-inch is 31 steps up; its picture can be
    watched below on a screen.

    <b>Wrap up:</b> the dome is not heated, since warm air would make the stars tremble.
    """
    a = flow(c, L, y - 8, w, left, 60)
    flow(c, L + w + 24, y - 8, w, prose(LOOK, right, fontSize=9.5, leading=13.5), 44)
    note = "If it is cloudy at 16:00, the evening is cancelled and your ticket stays valid for a year."
    flow(c, L, a - 8, w, prose(LOOK, note, "caption"))
    label(c, L, 22, "Whitcombe Observatory Trust, Gallows Down", LOOK.font(), 7.6, LOOK.muted)
    label(c, R, 22, "whitcombe-observatory.example   01632 960 317", LOOK.font(), 7.6, LOOK.muted, "r")


def make(out: Path) -> None:
    meta = Meta(
        "Whitcombe Observatory: visitors' brochure 2026",
        "Whitcombe Observatory Trust",
        "History, dates, prices",
    )
    save(out / NAME, meta, (S, S), [cover, story, visit])
