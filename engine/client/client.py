"""Client: what SearchEngine answers, asked of a server."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import fields as fields_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

from pagesight.engine.client.transport import Transport
from pagesight.engine.config import SearchConfig, SearchFields, search_config
from pagesight.engine.notebook import Hits
from pagesight.engine.results import Confidence, Region, ScorePart, SearchHit, TokenMatch
from pagesight.storage.closing import Closing
from pagesight.storage.errors import ConfigError
from pagesight.storage.stored import StoredDocument, StoredFailure, Totals
from pagesight.storage.values import SeenPicture

if TYPE_CHECKING:
    from PIL import Image

KEY_VARIABLE = "PAGESIGHT_API_KEY"
ROWS = 1_000  # of a list that are asked for at once
QUERIES = 64  # that are asked at once
PICTURE_SIDE_PX = 1_500  # as an engine's own pictures of A4


class Client(Closing):
    """An index on a server, with the methods of ``SearchEngine`` that read, their values and their errors.

        with Client("http://localhost:8000", key=...) as client:
            for hit in client.search("turnover by region", k=3):
                print(hit.document, hit.page)

    Any number of threads may use it. Errors are a ``pagesight.errors.SearchEngineError``: those of the engine, ServerRefused,
    and ServerUnreachable.
    """

    def __init__(self, address: str, *, key: str | None = None, index: str = "", timeout_s: float = 60.0) -> None:
        """Nothing is asked of the server yet.

        address: http://... or https://..., with the path under which the server lies. key: default is the environment's
        PAGESIGHT_API_KEY. index: its name, where the server has several. timeout_s: of one answer. Raises ConfigError.
        """
        if timeout_s <= 0:
            raise ConfigError(f"timeout_s must be positive, not {timeout_s}")
        self._transport = Transport(address, key or os.environ.get(KEY_VARIABLE), timeout_s)
        self._index = index or None

    @property
    def address(self) -> str:
        return self._transport.address

    def search(
        self,
        query: str,
        *,
        filters: str | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]:
        """See ``SearchEngine.search``."""
        (found,) = self._search([query], filters, search_config(config, fields))
        return found

    def search_many(
        self,
        queries: Sequence[str],
        *,
        filters: str | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[list[SearchHit]]:
        """``search`` for each query; 64 at a time in one state of the index."""
        if isinstance(queries, str):
            raise ConfigError(f"queries must be a list of questions, not the one {queries!r}")
        chosen, found = search_config(config, fields), []
        for at in range(0, len(queries), QUERIES):
            found += self._search(queries[at : at + QUERIES], filters, chosen)
        return found

    def similar(
        self,
        document: str,
        page: int,
        *,
        sha256: str | None = None,
        filters: str | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]:
        """See ``SearchEngine.similar``."""
        chosen = _for_server(search_config(config, fields))
        asked = {"document": document, "page": page, "k": chosen.k, "candidates": chosen.n_candidates}
        answer = self._get("/api/similar", **asked, filters=filters, sha256=sha256)
        return Hits(map(_hit, answer["results"][0]["hits"]), self, answer.get("missing"))

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        """See ``SearchEngine.documents``; where the files lie is the server's own affair."""
        rows = self._all("/api/documents", "documents", filters=filters)
        return [StoredDocument(**{**row, "names": tuple(row["names"]), "locations": ()}) for row in rows]

    def failures(self) -> list[StoredFailure]:
        """See ``SearchEngine.failures``."""
        rows = self._all("/api/failures", "failures")
        return [StoredFailure(**row, location=Path(row["document"])) for row in rows]

    def totals(self) -> Totals:
        """See ``SearchEngine.totals``."""
        answer = self._get("/api/totals")
        return Totals(**{field.name: answer[field.name] for field in fields_of(Totals)})

    def look_up(self, document: str, page: int, query: str | None = None, *, sha256: str | None = None) -> SearchHit:
        """See ``SearchEngine.look_up``."""
        return _hit(self._get(_page_path(document, page), q=query, sha256=sha256)["hit"])

    def page_text(self, document: str, page: int, *, sha256: str | None = None) -> str:
        """See ``SearchEngine.page_text``."""
        return str(self._get(_page_path(document, page), sha256=sha256)["text"])

    def pictures(self, hits: Sequence[SearchHit], *, password: str | None = None) -> Iterator[Image.Image]:
        """See ``SearchEngine.pictures``. password: the server has its own."""
        from PIL import Image

        from pagesight.engine.pictures import mark

        if password is not None:
            raise ConfigError("a server opens encrypted files with its own password")
        for hit in hits:
            path = f"{_page_path(hit.document, hit.page)}/image"
            query: dict[str, Any] = {
                "index": self._index,
                "max_side": PICTURE_SIDE_PX,
                "format": "png",
                "sha256": hit.sha256,
            }
            data = self._transport.raw("GET", path, **query)
            yield mark(Image.open(io.BytesIO(data)), hit.regions)

    def close(self) -> None:
        """Let go of the connections. The client cannot be used again."""
        self._transport.close()

    def _search(self, queries: Sequence[str], filters: str | None, config: SearchConfig) -> list[list[SearchHit]]:
        config = _for_server(config)
        body = {
            "queries": list(queries),
            "k": config.k,
            "candidates": config.n_candidates,
            "exact": config.exact,
            **({} if config.terms else {"terms": False}),  # a server from before knows no such fields
            **({"min_confidence": config.min_confidence} if config.min_confidence else {}),
            **({} if config.mend else {"mend": False}),
            "filters": filters or "",
            "index": self._index or "",
        }
        answer = self._transport.json("POST", "/api/search", body)
        return [Hits(map(_hit, result["hits"]), self, answer.get("missing")) for result in answer["results"]]

    def _get(self, path: str, **query: object) -> Any:
        return self._transport.json("GET", path, index=self._index, **query)

    def _all(self, path: str, name: str, **query: object) -> list[dict[str, Any]]:
        """A list, piece by piece."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self._get(path, offset=len(rows), limit=ROWS, **query)
            rows += answer[name]
            if not answer[name] or len(rows) >= answer["total"]:
                return rows


def _for_server(config: SearchConfig) -> SearchConfig:
    """Raises ConfigError for what a server decides for itself."""
    if config.score_on is not None or not config.token_recall:
        raise ConfigError(
            "score_on and token_recall are settings of the process that searches, not of one that asks it"
        )
    return config


def _page_path(document: str, page: int) -> str:
    return f"/api/documents/{quote(document, safe='/')}/pages/{page:d}"


def _hit(fields: dict[str, Any]) -> SearchHit:
    """From JSON. ``page_id`` is known to the server alone; ``path`` is where the file lies there, if it says so."""
    return SearchHit(
        rank=fields["rank"],
        score=fields["score"],
        document=fields["document"],
        page=fields["page"],
        n_pages=fields["n_pages"],
        title=fields["title"],
        kind=fields["kind"],
        page_id=0,
        path=Path(fields.get("path") or fields["document"]),
        sha256=fields["sha256"],
        aspect=fields["aspect"],
        regions=tuple(Region(_box(region["box"]), region["score"]) for region in fields["regions"]),
        matches=tuple(
            TokenMatch(match["token"], match["score"], _box(match["box"]), match.get("word", ""))
            for match in fields["matches"]
        ),
        question=fields.get("question", ""),
        parts=tuple(ScorePart(part["name"], part["score"], part.get("reason", "")) for part in fields.get("parts", ())),
        confidence=Confidence(**fields["confidence"]) if fields.get("confidence") else None,
        snippet=fields["snippet"],
        snippet_spans=tuple((start, stop) for start, stop in fields["highlights"]),
        pictures=tuple(
            SeenPicture(
                kind=seen["kind"],
                family=seen["family"],
                box=_box(seen["box"]),
                sure=seen["sure"],
                text=seen.get("text") or "",
            )
            for seen in fields.get("pictures", ())
        ),
    )


def _box(box: Sequence[float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return x0, y0, x1, y1
