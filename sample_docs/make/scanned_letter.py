"""A typewritten letter of 1987 about street lamps near an observatory, as a scan without text layer."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .fonts import face
from .kit import Meta, label
from .scan import scribble, write

NAME = "scans/letter-observatory-1987.pdf"
W, H = A4
LEFT, STEP = 82.0, 16.6
INK = "#1d1d22"

FIRST = """
The Clerk to the County Council
County Hall
Ashcombe

Our ref.: HM/87/214                               3rd November 1987


Dear Mr Pettigrew,

          Street lighting of the Whitcombe bypass, stage 2

I write on behalf of the trustees of this observatory about the
142 lamps which, according to the plans on show in the library,
the Council means to put up along the bypass between Fold Bridge
and the cattle market next spring.

The plans show high-pressure sodium lamps of 250 watts on masts
of twelve metres, with bowls that throw about a fifth of their
light above the horizon. The nearest would stand 1,900 metres
from our 26-inch refractor.

You may wonder what harm a lamp can do at that distance. Since
stage 1 was lit in October 1985 we have measured the brightness
of the night sky overhead on every clear moonless night. In the
winter before the lamps it was 21.4 magnitudes to the square
second of arc; last winter it was 20.7. That is to say, the sky
has become nearly twice as bright. Of the 63 galaxies on our
observing list, nineteen can no longer be photographed.
""".strip("\n")

SECOND = """
With stage 2, and lamps of the type proposed, our calculation
gives 19.9. The work on faint variable stars, which has been
carried on here without a break since 1911, would come to an end.

We do not ask that the road be left dark. We ask for three
things:

   (1)  low-pressure sodium lamps of 90 watts instead of the
        250-watt type. Their light is of a single yellow colour
        and can be removed by a filter;

   (2)  flat glass and masts of eight metres, so that no light
        goes above the horizontal;

   (3)  every second lamp to be put out between half past midnight
        and five o'clock.

Our treasurer, who is an accountant by trade, has worked out that
the smaller lamps would save the rate-payers 6,100 pounds a year
in electricity. The masts would have to stand closer, and there
would be 31 more of them, at a cost of 13,900 pounds once. The
difference is thus recovered in a little over two years.

May I invite you and the members of the Highways Committee to the
dome on Thursday, 19th November at eight in the evening? If it is
clear you shall see for yourselves the glow in the north-east; if
it is not, there will be soup.

Yours sincerely,





Dr Helene Marsh
Director

Copies: Ashcombe Civic Society; Royal Society of Amateur
        Astronomers, Western Branch
""".strip("\n")


def typed(c: Canvas, text: str, top: float) -> None:
    c.setFillColor(HexColor(INK))
    for i, line in enumerate(text.split("\n")):
        c.setFont("Courier-Bold" if "stage 2" in line and line.startswith("   ") else "Courier", 11.2)
        c.drawString(LEFT, top - i * STEP, line)


def first(c: Canvas) -> None:
    # Letterhead: a dome in line art above the name, as it was printed then.
    x, y = W / 2, H - 84
    c.setStrokeColor(HexColor("#25304f"))
    c.setLineWidth(1.3)
    c.arc(x - 24, y - 20, x + 24, y + 28, 0, 180)
    c.line(x - 27, y + 4, x + 27, y + 4)
    c.rect(x - 22, y - 6, 44, 10, stroke=1, fill=0)
    c.line(x - 3, y + 27, x - 3, y + 6)
    c.line(x + 5, y + 27, x + 5, y + 6)
    c.line(x + 1, y + 15, x + 30, y + 36)
    label(c, x, H - 112, "WHITCOMBE OBSERVATORY", face("Times", bold=True), 17, "#25304f", "c", track=3)
    label(
        c,
        x,
        H - 127,
        "Gallows Down, Whitcombe, near Ashcombe      Telephone Whitcombe 317",
        face("Times", italic=True),
        9.5,
        "#25304f",
        "c",
    )
    c.line(LEFT, H - 135, W - LEFT, H - 135)
    typed(c, FIRST, H - 172)
    label(c, W - LEFT, 58, "./..", "Courier", 11.2, INK, "r")
    # The council's stamp and a note in pencil.
    c.saveState()
    c.translate(W - 150, H - 196)
    c.rotate(7)
    c.setStrokeColor(HexColor("#7c2a58"))
    c.setLineWidth(1.4)
    c.rect(-58, -22, 116, 46, stroke=1, fill=0)
    label(c, 0, 11, "HIGHWAYS DEPT", face("Helvetica", bold=True), 9.5, "#7c2a58", "c")
    label(c, 0, -4, "RECEIVED", face("Helvetica"), 8.5, "#7c2a58", "c")
    label(c, 0, -17, "- 6 NOV 1987", face("Helvetica", bold=True), 10, "#7c2a58", "c")
    c.restoreState()


def second(c: Canvas) -> None:
    label(c, LEFT, H - 70, "- 2 -", "Courier", 11.2, INK)
    typed(c, SECOND, H - 104)
    signed = SECOND.split("\n").index("Yours sincerely,")
    scribble(c, LEFT + 6, H - 104 - (signed + 3) * STEP, 96, seed=8)
    c.saveState()
    c.translate(W - 52, H - 400)
    c.rotate(87)
    label(c, 0, 0, "check with Lighting Engineer!  R.P.", face("Times", italic=True), 14, "#5a6270")
    c.restoreState()
    c.setStrokeColor(HexColor("#5a6270"))
    c.setLineWidth(1.2)
    c.line(W - 62, H - 402, W - 64, H - 250)


def make(out: Path) -> None:
    meta = Meta("Letter of 3 November 1987", "Whitcombe Observatory", "Scan")
    looks = ((31, 0.8, (246, 240, 224)), (32, -0.6, (247, 241, 226)))
    write(out / NAME, meta, A4, [first, second], looks)
