"""``pagesight search --explain``: why a page stands where it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pagesight.engine.cli.output import console

if TYPE_CHECKING:
    from pagesight.engine.results import SearchHit, TokenMatch

WHERE = (("top", "middle", "bottom"), ("left", "centre", "right"))


def print_explained(query: str, hits: Sequence[SearchHit]) -> None:
    """For each hit the parts of its score, and what each word of the question matched."""
    from rich.table import Table
    from rich.text import Text

    from pagesight.engine.results import SECOND_OPINION
    from pagesight.engine.word_heat import words_of_tokens

    output = console()
    for hit in hits:
        output.print(Text(f"\n{hit.rank}. {hit.document}, page {hit.page}", style="bold"))
        output.print(Text(f"   {sum_of(hit)}"))
        for part in hit.parts:
            if part.name == SECOND_OPINION:
                output.print(Text(f"   {part.name} {part.score:.2f}, which orders the first pages"))
            elif part.reason:
                output.print(Text(f"   {part.name}: {part.reason}"))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 3), header_style="dim")
        for name in ("question", "adds", "finds", "where"):
            table.add_column(name, justify="right" if name == "adds" else "left", overflow="fold")
        for word, rows in words_of_tokens(hit.question or query, [match.token for match in hit.matches]):
            matches = [hit.matches[i] for i in rows]
            found = dict.fromkeys(match.word for match in matches if match.word)
            best = max(matches, key=lambda match: match.score)
            table.add_row(word, f"{sum(match.score for match in matches):.2f}", " ".join(found), place(best))
        output.print(table)


def sum_of(hit: SearchHit) -> str:
    """16.21 = MaxSim 14.90 + first page 1.41 - length 0.10."""
    from pagesight.engine.results import SECOND_OPINION

    text = f"{hit.score:.2f} ="
    for i, part in enumerate(hit.parts):
        if part.name == SECOND_OPINION or (i and abs(part.score) < 0.005):
            continue
        sign = "" if i == 0 else " +" if part.score >= 0 else " -"
        text += f"{sign} {part.name} {abs(part.score) if i else part.score:.2f}"
    return text


def place(match: TokenMatch) -> str:
    """Top left, with the middle of the place in hundredths of the page."""
    x0, y0, x1, y1 = match.box
    if x1 <= x0 or y1 <= y0:
        return ""
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return f"{WHERE[0][min(2, int(y * 3))]} {WHERE[1][min(2, int(x * 3))]} ({x:.2f}, {y:.2f})"
