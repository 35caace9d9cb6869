"""Points through ``qdrant_edge``: the server's own core in this process, in a folder that one process at a time may open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pagesight.storage.errors import StoreLocked
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


class EdgePoints:
    """``pagesight.storage.qdrant.points.Points``."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreLocked if another process has opened it."""
        self._edge, self._folder, self._shard = library("qdrant_edge"), folder, None
        if (folder / "edge_config.json").exists() or (folder / "segments").is_dir():
            try:
                self._shard = self._edge.EdgeShard.load(str(folder))
            except Exception as error:
                if "WouldBlock" in str(error):  # of the lock on its log
                    raise StoreLocked(folder, "another process (Qdrant Edge is for one at a time)") from error
                raise

    def exists(self) -> bool:
        return self._shard is not None

    def create(self, single_dim: int, token_dim: int) -> None:
        if self._shard is not None:
            return
        edge = self._edge
        half, dot = edge.VectorStorageDatatype.Float16, edge.Distance.Dot
        several = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
        one_by_one = edge.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000)

        def multi(memory: Any) -> Any:
            return edge.EdgeVectorParams(
                token_dim, dot, multivector_config=several, datatype=half, hnsw_config=one_by_one, memory=memory
            )

        vectors = {
            SINGLE: edge.EdgeVectorParams(single_dim, dot, datatype=half),
            MEANS: multi(edge.Memory.Cached),
            TOKENS: multi(edge.Memory.Cold),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shard = edge.EdgeShard.create(str(self._folder), edge.EdgeConfig(vectors=vectors))
        for keyword in KEYWORDS:
            self._update(edge.UpdateOperation.create_field_index(keyword, edge.PayloadSchemaType.Keyword))

    def insert(self, points: Sequence[NewPoint]) -> None:
        self._write(points, update_mode=self._edge.UpdateMode.InsertOnly)

    def upsert(self, points: Sequence[NewPoint]) -> None:
        self._write(points)

    def _write(self, points: Sequence[NewPoint], **how: Any) -> None:
        made = [self._edge.Point(point.id, point.vectors, point.payload) for point in points]
        self._update(self._edge.UpdateOperation.upsert_points(made, **how))

    def delete(self, ids: Sequence[PointId]) -> None:
        self._update(self._edge.UpdateOperation.delete_points(list(ids)))

    def set_payload(self, fields: Payload, where: Where) -> None:
        among = self._filter(where) if isinstance(where, dict) else self._among(where)
        self._update(self._edge.UpdateOperation.set_payload_by_filter(among, fields))

    def scroll(self, match: dict[str, str], fields: Sequence[str]) -> Iterator[tuple[PointId, Payload]]:
        payload, offset = self._edge.PayloadSelector.Include(list(fields)), None
        while True:
            request = self._edge.ScrollRequest(
                offset=offset, limit=SCROLLED, filter=self._filter(match), with_payload=payload
            )
            records, offset = self._opened().scroll(request)
            yield from ((_id(record), record.payload or {}) for record in records)
            if offset is None:
                return

    def retrieve(self, ids: Sequence[PointId], fields: Sequence[str] | None = None) -> dict[PointId, Payload]:
        payload = True if fields is None else self._edge.PayloadSelector.Include(list(fields))
        records = self._opened().retrieve(list(ids), with_payload=payload, with_vector=False)
        return {_id(record): record.payload or {} for record in records}

    def vectors(self, ids: Sequence[PointId]) -> dict[PointId, Vectors]:
        records = self._opened().retrieve(list(ids), with_payload=False, with_vector=True)
        return {_id(record): record.vector or {} for record in records}

    def query(
        self, stages: Sequence[tuple[str, Any, int]], match: dict[str, str], fields: Sequence[str]
    ) -> list[tuple[Payload, float]]:
        edge, chosen = self._edge, None
        for name, query, limit in stages[:-1]:
            chosen = [
                edge.Prefetch(
                    limit,
                    query=edge.Query.Nearest(query, name),
                    prefetches=chosen,
                    filter=self._filter(match),
                )
            ]
        name, query, limit = stages[-1]
        request = edge.QueryRequest(
            limit,
            query=edge.Query.Nearest(query, name),
            prefetches=chosen,
            filter=self._filter(match),
            with_payload=list(fields),
        )
        return [(point.payload, point.score) for point in self._opened().query(request)]

    def maxima(self, name: str, rows: Sequence[Any], ids: Sequence[PointId]) -> list[list[tuple[PointId, float]]]:
        edge, among = self._edge, self._among(ids)
        asked = [
            edge.QueryRequest(
                len(ids),
                query=edge.Query.Nearest([row], name),
                filter=among,
                params=edge.SearchParams(exact=True),
                with_payload=False,
            )
            for row in rows
        ]
        found = self._opened().query_batch(edge.QueryBatchRequest(asked))
        return [[(_id(point), point.score) for point in answer] for answer in found]

    def settle(self) -> None:
        self._opened().optimize()
        self._opened().flush()

    def n_bytes(self) -> int | None:
        total = 0
        for path in self._folder.rglob("*"):
            with suppress(FileNotFoundError):  # a segment that was merged with others meanwhile
                total += path.stat().st_blocks * 512
        return total

    def close(self) -> None:
        if self._shard is not None:
            self._shard.close()
            self._shard = None

    def _opened(self) -> Any:
        return self._shard

    def _update(self, operation: Any) -> None:
        self._opened().update(operation)

    def _filter(self, match: dict[str, str]) -> Any:
        edge = self._edge
        return edge.Filter(
            must=[edge.FieldCondition(key, match=edge.MatchValue(value)) for key, value in match.items()]
        )

    def _among(self, ids: Sequence[PointId]) -> Any:
        return self._edge.Filter(must=[self._edge.HasIdCondition(set(ids))])


def _id(point: Any) -> PointId:
    return point.id if isinstance(point.id, int) else str(point.id)
