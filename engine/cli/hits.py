"""The table of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pagesight.engine.cli.output import console
from pagesight.engine.cli.tables import Column, print_table

if TYPE_CHECKING:
    from rich.text import Text

    from pagesight.engine.results import SearchHit

UNLIKELY = 0.5  # that a question is answered here, below which a search says that it is not
LONGEST_WORD = 20  # characters; longer runs, as in Chinese, are cut anywhere
MAX_KINDS = 3  # of pictures, that a row names
SNIPPET_CELLS = 150  # columns of a terminal; --json has the whole snippet
SNIPPET_LEAST_CELLS = 24  # a narrower one stands below its row


def print_hits(hits: Sequence[SearchHit], title: str = "") -> None:
    """The table of a search."""
    from rich.text import Text

    if title:
        console().print(Text(title, style="bold"))
    if not hits:
        console().print("nothing found")
        return
    confidence = hits[0].confidence
    if confidence is not None and confidence.answerable < UNLIKELY:
        console().print(f"nothing here answers this ({confidence.answerable:.0%} likely); the nearest pages:")
    columns = (
        Column("#", "nothing", right=True),
        Column("score", right=True, rank=3),
        Column("document", "nothing"),
        Column("page", "nothing", right=True),
        Column("snippet", "place", rank=2, least=SNIPPET_LEAST_CELLS),
    )
    print_table(
        columns,
        [(str(hit.rank), f"{hit.score:.2f}", hit.document, _place(hit), _snippet(hit) + _seen(hit)) for hit in hits],
    )


def _place(hit: SearchHit) -> str:
    """12, or in a text file: 12, l. 678-680."""
    if hit.lines is None:
        return str(hit.page)
    first, last = hit.lines
    return f"{hit.page}, l. {first}" + (f"-{last}" if last > first else "")


def _seen(hit: SearchHit) -> Text:
    """Kinds of the largest pictures: [bar chart, photo]."""
    from rich.text import Text

    kinds = list(dict.fromkeys(picture.kind for picture in hit.pictures))[:MAX_KINDS]
    return Text(f" [{', '.join(kinds)}]" if kinds else "", style="dim")


def _snippet(hit: SearchHit) -> Text:
    """The part of the snippet with the matched words, these in bold."""
    from rich.text import Text

    text = Text(hit.snippet)
    for start, stop in hit.snippet_spans:
        text.stylize("bold", start, stop)
    n_chars = SNIPPET_CELLS * len(text) // max(1, text.cell_len)  # Chinese characters are two columns wide
    if len(text) <= n_chars:
        return text
    first = hit.snippet_spans[0][0] if hit.snippet_spans else 0
    last = hit.snippet_spans[-1][1] if hit.snippet_spans else 0
    start = max(0, min((first + last - n_chars) // 2, first, len(text) - n_chars))
    start = max(hit.snippet.rfind(" ", 0, start) + 1, start - LONGEST_WORD)
    stop = min(start + n_chars, len(text))
    blank = hit.snippet.find(" ", stop)
    stop = blank if 0 <= blank <= stop + LONGEST_WORD else stop
    return Text("… " if start else "") + text[start:stop] + Text(" …" if stop < len(text) else "")
