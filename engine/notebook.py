"""Hits as a notebook shows them: pages with what matched marked. A picture is drawn when, and only when, it is shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pagesight.engine.results import Confidence, SearchHit
from pagesight.storage.errors import SearchEngineError

if TYPE_CHECKING:
    from PIL import Image

SHOWN, SIDE_PX = 5, 900
_ROW = '<tr style="vertical-align: top; text-align: left"><td>{picture}</td><td><b>{rank}. {document}</b>, page {page} of {n_pages}<br>score {score:.2f}<p>{snippet}</p></td></tr>'


class Draws(Protocol):
    """What draws pages: an engine or a client."""

    def pictures(self, hits: Sequence[SearchHit]) -> Iterator[Image.Image]: ...


class Hits(list[SearchHit]):
    """The list of hits that a search returns; in a notebook, the pages."""

    def __init__(self, hits: Iterable[SearchHit], drawer: Draws, missing: Mapping[str, str] | None = None) -> None:
        """missing: servers that have a part of the index and did not answer, and why."""
        super().__init__(hits)
        self._drawer, self.missing = drawer, dict(missing or {})

    @property
    def confidence(self) -> Confidence | None:
        """How sure the answer is; None without hits, or where that was never learnt."""
        return self[0].confidence if self else None

    def __reduce__(self) -> tuple[Any, ...]:
        """What is copied or sent elsewhere is the plain list."""
        return list, (list(self),)

    def __getitem__(self, at: Any) -> Any:
        """A slice is shown as the whole is."""
        found = super().__getitem__(at)
        return Hits(found, self._drawer, self.missing) if isinstance(at, slice) else found

    def _repr_png_(self) -> bytes | None:
        """The first page, where nothing but a picture can be shown."""
        try:
            (picture,) = self._drawer.pictures(self[:1])
        except (SearchEngineError, ValueError):  # no hit, or no file
            return None
        return shrunk(picture, "PNG")

    def _repr_html_(self) -> str:
        if not self:
            return "<p>nothing found</p>"
        rows = [_row(hit, self._drawer) for hit in self[:SHOWN]]
        more = f"<p>and {len(self) - SHOWN} more</p>" if len(self) > SHOWN else ""
        return f"<table>{''.join(rows)}</table>{more}"


def _row(hit: SearchHit, drawer: Draws) -> str:
    try:
        (picture,) = drawer.pictures([hit])
        shown = (
            f'<img alt="the page" src="data:image/jpeg;base64,{base64.b64encode(shrunk(picture, "JPEG")).decode()}">'
        )
    except SearchEngineError as error:
        shown = _escaped(f"no picture: {error}")
    return _ROW.format(
        picture=shown,
        rank=hit.rank,
        document=_escaped(hit.document),
        page=hit.page,
        n_pages=hit.n_pages,
        score=hit.score,
        snippet=_emphasised(hit),
    )


def _escaped(text: str) -> str:
    from html import escape  # here: it brings a table of all names of characters

    return escape(text)


def _emphasised(hit: SearchHit) -> str:
    """The snippet with the matched words in bold."""
    parts, at = [], 0
    for start, stop in hit.snippet_spans:
        parts.append(f"{_escaped(hit.snippet[at:start])}<b>{_escaped(hit.snippet[start:stop])}</b>")
        at = stop
    return "".join(parts) + _escaped(hit.snippet[at:])


def shrunk(picture: Image.Image, kind: str) -> bytes:
    """Small enough for a notebook that is kept."""
    picture = picture.convert("RGB")
    picture.thumbnail((SIDE_PX, SIDE_PX))
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()
