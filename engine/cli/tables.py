"""Tables of the terminal in which names are whole, whatever the width: everything else gives way.

A column that names something is as wide as its longest name. Of the others, the most important ones that fit are shown.
Where even the names do not fit, lines are longer than the terminal, which breaks them as it likes, but nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

from pagesight.engine.cli.output import console

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

GAP = 2  # cells between columns
INDENT = 4  # cells before what stands below its row
WIDEST = 100_000  # cells of a line
Give = Literal["nothing", "all", "end", "width", "place"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, and what it gives up where there is no room for all of it.

    gives: "nothing", as a name; "all": it is left out; "end": it is cut; "width": it is broken into several lines;
    "place": the same, and it moves below its row in the end. The last three are never narrower than ``least`` cells.
    rank: the greater one leaves first.
    """

    header: str
    gives: Give = "all"
    right: bool = False
    rank: int = 1
    least: int = 10


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]]) -> None:
    """A table on stdout; each cell is one line, without control characters."""
    from rich.cells import cell_len
    from rich.text import Text

    output = console()
    cells = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    natural = [max([cell_len(c.header), *(row[i].cell_len for row in cells)]) for i, c in enumerate(columns)]
    widths = fitted_widths(columns, natural, output.width)
    shown = [i for i, width in enumerate(widths) if width]
    below = [i for i, width in enumerate(widths) if not width and columns[i].gives == "place"]

    def put(row: Sequence[Text]) -> None:
        parts = [_lines(row[i], columns[i], widths[i]) for i in shown]
        for pieces in zip_longest(*parts, fillvalue=Text()):
            line = Text()
            for i, piece in zip(shown, pieces, strict=True):
                placed = piece.copy()
                placed.align("right" if columns[i].right else "left", widths[i])
                line.append_text(placed).append(" " * GAP)
            line.rstrip()
            output.print(line, no_wrap=True, overflow="ignore", crop=False)

    put([Text(column.header, style="dim") for column in columns])
    for row in cells:
        put(row)
        for i in below:
            for line in row[i].wrap(output, max(1, output.width - INDENT), overflow="fold"):
                output.print(Text(" " * INDENT).append_text(line), no_wrap=True, overflow="ignore", crop=False)


def print_whole(table: Table) -> None:
    """A table of names and figures, of which neither can give way: as wide as it is."""
    from rich.measure import Measurement

    output = console()
    widest = Measurement.get(output, output.options.update_width(WIDEST), table).maximum
    output.width = max(output.width, widest)
    output.print(table)


def fitted_widths(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """Cells of each column within ``room`` cells, 0 for one that is not shown in its row. natural: its widest cell."""
    widths = [n if column.gives == "nothing" else 0 for column, n in zip(columns, natural, strict=True)]
    left = room - sum(width + GAP for width in widths if width) + GAP  # there is no gap behind the last one
    for i in sorted(range(len(columns)), key=lambda i: columns[i].rank):
        column = columns[i]
        least = natural[i] if column.gives == "all" else min(natural[i], max(column.least, len(column.header)))
        if column.gives != "nothing" and least + GAP <= left:
            widths[i] = least
            left -= least + GAP
    for i, column in enumerate(columns):
        if widths[i] and column.gives in ("end", "width", "place"):
            more = min(natural[i] - widths[i], max(0, left))
            widths[i] += more
            left -= more
    return widths


def _lines(cell: Text, column: Column, width: int) -> list[Text]:
    if cell.cell_len <= width:
        return [cell]
    if column.gives == "end":
        cut = cell.copy()
        cut.truncate(width, overflow="ellipsis")
        return [cut]
    return list(cell.wrap(console(), width, overflow="fold"))
