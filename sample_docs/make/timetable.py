"""Winter timetable of an island ferry: two dense landscape pages with notes."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from .kit import Meta, flow, label, save
from .look import WHITE, Look, prose, table

NAME = "public/ferry-timetable-winter.pdf"
SIZE = landscape(A4)
W, H = SIZE
L, R = 34.0, W - 34.0
LOOK = Look(
    family="Noto",
    ink="#16212e",
    accent="#0b3c6f",
    second="#f2b705",
    tint="#e9f0f7",
    line="#b9c8d8",
    muted="#566575",
    size=8.2,
    leading=11,
)
PORTS = (
    "Port Marrick",
    "Ardvey",
    "Little Kerra",
    "Stronsholm, North Pier",
    "Stronsholm, Ferry Bay",
    "Vannay",
    "Out Skelda",
)
LEGS = (0, 35, 18, 22, 14, 41, 55)  # sailing minutes from the port before
CALL = 5  # minutes in port

# departure, last port, ports not called at, note letters
Sailing = tuple[str, int, tuple[int, ...], str]


def sailings(text: str) -> tuple[Sailing, ...]:
    """`10:05 5 x2 F`: leaves at 10:05, ends at port 5, passes port 2, note F."""
    out = []
    for item in text.replace("\n", " ").split(","):
        time, far, *rest = item.split()
        skipped = next((tuple(map(int, word[1:])) for word in rest if word[0] == "x"), ())
        notes = [word for word in rest if word[0] != "x"]
        out.append((time, int(far), skipped, "".join(notes)))
    return tuple(out)


OUT = {
    "Monday to Friday": sailings("""
        05:50 3 A, 07:15 6 x2, 08:40 4, 10:05 5 x2 F, 11:30 4 C, 13:10 6 x23, 14:45 4, 16:10 5 S,
        17:25 4 x2, 18:40 5 x2 B, 20:15 3 D, 22:30 1 E
    """),
    "Saturday": sailings("""
        07:15 6 x2, 08:55 4, 10:30 5, 12:20 4 x2, 13:40 6 x23 W, 15:30 4, 17:05 5 x2, 18:50 4,
        21:00 3 x2 D, 23:45 1 E
    """),
    "Sunday and public holidays": sailings("""
        08:30 4 H, 10:15 5 x2, 12:00 6 x2, 14:20 4, 16:05 5, 18:00 4 x2, 20:15 3
    """),
}
BACK = {
    "Monday to Friday": sailings("""
        05:35 1 E, 06:20 3 x2 A, 06:30 4 x2, 07:40 4, 08:35 5 x2, 10:45 4, 11:20 6 x2 T,
        13:35 4 C, 14:00 5 x2 F, 16:55 4, 17:10 6 x23, 19:20 5 S
    """),
    "Saturday": sailings("""
        06:45 3, 08:05 4 x2, 10:25 4, 11:15 6 x2 T, 13:10 5, 14:30 4 x2, 17:20 4, 17:35 6 x23 W,
        19:40 5 x2, 22:10 3 D
    """),
    "Sunday and public holidays": sailings("""
        09:00 3 H, 10:30 4, 13:05 5 x2, 15:45 6 x2 T, 16:20 4, 18:55 5, 20:00 4 x2
    """),
}
TRAINS = {"Monday to Friday": 22, "Saturday": 26, "Sunday and public holidays": 34}


def clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def times(sailing: Sailing, outward: bool) -> dict[int, str]:
    """Times by port: departures on the way, arrival at the last port."""
    start, far, skipped, _ = sailing
    order = range(far + 1) if outward else range(far, -1, -1)
    now = int(start[:2]) * 60 + int(start[3:])
    out: dict[int, str] = {}
    for place, port in enumerate(order):
        if place:
            now += LEGS[port] if outward else LEGS[port + 1]
        if port in skipped:
            continue
        ends = place == len(order) - 1
        if place > 0 and not ends:
            now += CALL
        out[port] = clock(now)
    return out


def grid(day: str, sailings: tuple[Sailing, ...], outward: bool) -> list[list[str]]:
    ports = range(7) if outward else range(6, -1, -1)
    columns = [times(s, outward) for s in sailings]
    rows = [[day, *[s[3] for s in sailings]]]
    if outward:
        trains = [clock(int(s[0][:2]) * 60 + int(s[0][3:]) - TRAINS[day]) for s in sailings]
        late = [t if "06:00" < t < "22:00" else "" for t in trains]
        rows.append(["Train from Inverlaw arrives", *late])
    for port in ports:
        mark = "l" if port == 2 else "–"  # noqa: RUF001
        cells = []
        for s, column in zip(sailings, columns, strict=True):
            passes = port in s[2] and port <= s[1]
            cells.append(column.get(port, mark if passes else ""))
        rows.append([PORTS[port], *[("|" if v in "l–" and v else v) for v in cells]])  # noqa: RUF001
    if not outward:
        arrivals = [column[0] for column in columns]
        rows.append(
            ["Train to Inverlaw leaves", *[clock(_minutes(a) + 19) if a < "21:30" else "" for a in arrivals]]
        )
    return rows


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def block(c: Canvas, top: float, day: str, sailings: tuple[Sailing, ...], outward: bool) -> float:
    rows = grid(day, sailings, outward)
    train = 1 if outward else len(rows) - 1
    name, col = 152.0, (R - L - 152.0) / 12
    extra = [
        ("FONT", (0, train), (-1, train), LOOK.font(italic=True), 7.6),
        ("TEXTCOLOR", (0, train), (-1, train), HexColor(LOOK.muted)),
        ("FONT", (0, 2 if outward else -2), (-1, 2 if outward else -2), LOOK.font(bold=True), 8.2),
        ("LINEAFTER", (0, 0), (-2, -1), 0.3, HexColor(LOOK.line)),
    ]
    widths = (name, *[col] * len(sailings))
    t = table(
        LOOK,
        rows,
        widths,
        "l" + "c" * len(sailings),
        filled=True,
        zebra=True,
        size=8.2,
        pad=1.75 if outward else 1.5,
        extra=extra,
    )
    return flow(c, L, top, sum(widths), [t])


def head(c: Canvas, title: str) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(0, H - 58, W, 58, stroke=0, fill=1)
    c.setFillColor(HexColor(LOOK.second))
    c.rect(0, H - 62, W, 4, stroke=0, fill=1)
    # A hull and two waves.
    c.setFillColor(WHITE)
    hull = c.beginPath()
    hull.moveTo(L, H - 30)
    hull.lineTo(L + 44, H - 30)
    hull.lineTo(L + 36, H - 42)
    hull.lineTo(L + 8, H - 42)
    hull.close()
    c.drawPath(hull, stroke=0, fill=1)
    c.rect(L + 12, H - 28, 18, 8, stroke=0, fill=1)
    c.rect(L + 20, H - 19, 5, 6, stroke=0, fill=1)
    label(c, L + 58, H - 30, "Ardvey Sound Ferries", LOOK.font(bold=True), 15, WHITE)
    label(c, L + 58, H - 45, title, LOOK.font(), 11, WHITE)
    label(c, R, H - 30, "Winter timetable", LOOK.font(bold=True), 12, LOOK.second, "r")
    label(c, R, H - 45, "26 October 2025 to 28 March 2026", LOOK.font(), 9, WHITE, "r")


def foot(c: Canvas) -> None:
    label(c, L, 16, "Information 01997 496 033, day and night", LOOK.font(), 7.2, LOOK.muted)
    label(c, R, 16, f"{c.getPageNumber()} / 2", LOOK.font(bold=True), 7.2, LOOK.muted, "r")


def outward(c: Canvas) -> None:
    head(c, "Port Marrick to Ardvey, Little Kerra, Stronsholm, Vannay and Out Skelda")
    y = H - 72
    for day, sailings in OUT.items():
        y = block(c, y, day, sailings, True) - 8
    notes = """
    | passes without calling. Times are departures; the last time in a column is the arrival. <b>A</b> Not on
    school holidays. <b>B</b> Fridays only to Vannay; on other days ends at Ferry Bay. <b>C</b> Carries
    dangerous goods on Tuesdays: no passengers that day. <b>D</b> Runs on request only; book by 17:00 on the
    same day. <b>E</b> Small boat, foot passengers only, no bicycles. <b>F</b> From 12 January to 6 February
    ends at Ferry Bay while the pier of Vannay is repaired. <b>H</b> Not on 25 December and 1 January.
    <b>S</b> Waits up to 15 minutes for the school bus. <b>W</b> Not when the wind at Out Skelda exceeds
    force 8: recorded message from 11:00.
    """
    flow(c, L, y - 2, R - L, prose(LOOK, notes, "small", fontSize=7.8, leading=10.6), 24)
    foot(c)


def back(c: Canvas) -> None:
    head(c, "Out Skelda, Vannay, Stronsholm, Little Kerra and Ardvey to Port Marrick")
    y = H - 72
    for day, sailings in BACK.items():
        y = block(c, y, day, sailings, False) - 7
    # Fares and the small print share what is left of the page.
    fares = [
        ["Fares from Port Marrick, £", "Ardvey", "Kerra", "Stronsholm", "Vannay", "Out Skelda"],
        ["Adult, single", "4.80", "6.20", "8.40", "11.90", "16.50"],
        ["Child 5\N{EN DASH}15, single", "2.40", "3.10", "4.20", "5.90", "8.20"],
        ["Bicycle", "1.50", "\N{EN DASH}", "2.00", "2.00", "3.00"],
        ["Car up to 5 m", "19.00", "\N{EN DASH}", "31.50", "44.00", "58.00"],
        ["Islanders' card, ten trips", "28.00", "36.00", "49.00", "70.00", "96.00"],
    ]
    flow(c, L, y - 1, 380, [table(LOOK, fares, (130, *[50] * 5), "lrrrrr", size=7.4, pad=1.0)])
    notes = """
    <b>T</b> Tidal: may leave up to 40 minutes earlier at spring tides; see the board on the pier. Other
    letters: page 1. Little Kerra is a request stop: ring the bell on the jetty or tell the crew. Cars must
    be at the ramp 20 minutes before departure and are not carried to Little Kerra. Dogs travel free on a
    lead, not in the saloon. Bookings for cars open eight weeks ahead; unclaimed places are given away ten
    minutes before departure. Wheelchair users: ramps at all piers except Little Kerra; at North Pier only
    within three hours of high water.
    """
    flow(c, L + 398, y, R - L - 398, prose(LOOK, notes, "small", fontSize=7.2, leading=9.6), 22)
    foot(c)


def make(out: Path) -> None:
    meta = Meta("Winter timetable 2025/26", "Ardvey Sound Ferries", "Ferry sailings, fares and notes")
    save(out / NAME, meta, SIZE, [outward, back])
