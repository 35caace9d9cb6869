"""Points through ``qdrant_client``: of a server, or of the client's local mode."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pagesight.storage.qdrant.address import QdrantAddress
from pagesight.storage.qdrant.points import (
    KEYWORDS,
    MEANS,
    SCROLLED,
    SINGLE,
    TOKENS,
    NewPoint,
    Payload,
    PointId,
    Vectors,
    Where,
    library,
)

PATIENCE_S = 60  # with a server, for one answer: exact search of many pages takes its time


class ClientPoints:
    """``pagesight.storage.qdrant.points.Points``. Reads ask for a majority of copies, and first of all one server decides."""

    def __init__(self, address: QdrantAddress) -> None:
        self._models, client = library("qdrant_client.models"), library("qdrant_client")
        self._name = address.name
        self._local = address.in_memory
        self._turn: AbstractContextManager[Any] = nullcontext()
        if self._local:
            self._client, self._turn = client.QdrantClient(":memory:"), threading.RLock()  # not made for threads
        else:
            self._client = client.QdrantClient(
                host=address.host,
                port=address.port,
                https=address.tls,
                api_key=os.environ.get("QDRANT_API_KEY") or None,
                check_compatibility=False,
                timeout=PATIENCE_S,
            )

    def exists(self) -> bool:
        return bool(self._client.collection_exists(self._name))

    def create(self, single_dim: int, token_dim: int) -> None:
        models = self._models
        half, dot = models.Datatype.FLOAT16, models.Distance.DOT
        several = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
        one_by_one = models.HnswConfigDiff(m=0)

        def multi(*, on_disk: bool) -> Any:
            return models.VectorParams(
                size=token_dim,
                distance=dot,
                datatype=half,
                multivector_config=several,
                hnsw_config=one_by_one,
                on_disk=on_disk,
            )

        vectors = {
            SINGLE: models.VectorParams(size=single_dim, distance=dot, datatype=half),
            MEANS: multi(on_disk=False),
            TOKENS: multi(on_disk=True),
        }
        try:
            self._client.create_collection(self._name, vectors_config=vectors, on_disk_payload=True)
        except Exception:
            if not self.exists():  # another may have made it meanwhile
                raise
        if not self._local:  # which has no indexes, and says so
            for keyword in KEYWORDS:
                self._client.create_payload_index(self._name, keyword, models.PayloadSchemaType.KEYWORD)

    def insert(self, points: Sequence[NewPoint]) -> None:
        self._write(points, ordering=self._models.WriteOrdering.STRONG, update_mode=self._models.UpdateMode.INSERT_ONLY)

    def upsert(self, points: Sequence[NewPoint]) -> None:
        self._write(points)

    def _write(self, points: Sequence[NewPoint], **how: Any) -> None:
        made = [self._models.PointStruct(id=p.id, vector=p.vectors, payload=p.payload) for p in points]
        with self._turn:
            self._client.upsert(self._name, made, wait=True, **how)

    def delete(self, ids: Sequence[PointId]) -> None:
        with self._turn:
            self._client.delete(self._name, self._models.PointIdsList(points=list(ids)), wait=True)

    def set_payload(self, fields: Payload, where: Where) -> None:
        points = self._filter(where) if isinstance(where, dict) else self._among(where)
        with self._turn:
            self._client.set_payload(self._name, fields, points=points, wait=True)

    def scroll(self, match: dict[str, str], fields: Sequence[str]) -> Iterator[tuple[PointId, Payload]]:
        offset = None
        while True:
            with self._turn:
                records, offset = self._client.scroll(
                    self._name, self._filter(match), limit=SCROLLED, offset=offset, with_payload=list(fields)
                )
            yield from ((record.id, record.payload or {}) for record in records)
            if offset is None:
                return

    def retrieve(self, ids: Sequence[PointId], fields: Sequence[str] | None = None) -> dict[PointId, Payload]:
        with self._turn:
            records = self._client.retrieve(
                self._name,
                list(ids),
                with_payload=True if fields is None else list(fields),
                consistency=None if self._local else self._models.ReadConsistencyType.MAJORITY,
            )
        return {record.id: record.payload or {} for record in records}

    def vectors(self, ids: Sequence[PointId]) -> dict[PointId, Vectors]:
        with self._turn:
            records = self._client.retrieve(self._name, list(ids), with_payload=False, with_vectors=True)
        return {record.id: record.vector or {} for record in records}

    def query(
        self, stages: Sequence[tuple[str, Any, int]], match: dict[str, str], fields: Sequence[str]
    ) -> list[tuple[Payload, float]]:
        chosen: Any = None
        for name, query, limit in stages[:-1]:
            chosen = self._models.Prefetch(
                query=query, using=name, limit=limit, prefetch=chosen, filter=self._filter(match)
            )
        name, query, limit = stages[-1]
        with self._turn:
            found = self._client.query_points(
                self._name,
                query=query,
                using=name,
                limit=limit,
                prefetch=chosen,
                query_filter=self._filter(match),
                with_payload=list(fields),
            )
        return [(point.payload, point.score) for point in found.points]

    def maxima(self, name: str, rows: Sequence[Any], ids: Sequence[PointId]) -> list[list[tuple[PointId, float]]]:
        models, among = self._models, self._among(ids)
        exact = None if self._local else models.SearchParams(exact=True)  # as it always is there
        asked = [
            models.QueryRequest(
                query=[row],
                using=name,
                filter=among,
                limit=len(ids),
                params=exact,
                with_payload=False,
            )
            for row in rows
        ]
        with self._turn:
            found = self._client.query_batch_points(self._name, asked)
        return [[(point.id, point.score) for point in answer.points] for answer in found]

    def settle(self) -> None:
        """A server does by itself."""

    def n_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        self._client.close()

    def _filter(self, match: dict[str, str]) -> Any:
        models = self._models
        return models.Filter(
            must=[models.FieldCondition(key=key, match=models.MatchValue(value=value)) for key, value in match.items()]
        )

    def _among(self, ids: Sequence[PointId]) -> Any:
        return self._models.Filter(must=[self._models.HasIdCondition(has_id=list(ids))])
