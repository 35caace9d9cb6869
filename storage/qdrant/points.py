"""Points of Qdrant, wherever they are: a server, Qdrant Edge in a folder, or the client's local mode in memory.

A point has an id (a UUID), named vectors or none, and a payload that is JSON. What is asked of each of the three is this protocol.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from pagesight.storage.errors import ConfigError, ExtraMissing, StorageError

SINGLE, MEANS, TOKENS = "single", "means", "tokens"
AT_ONCE = 20  # points an update
SCROLLED = 256  # points a page of a listing
KEYWORDS = ("what", "sha256", "document", "folder", "kind")  # payload fields with an index, for filters
Vectors = dict[str, Any]  # by name: a list of floats, or a list of them


@dataclass(frozen=True, slots=True)
class NewPoint:
    id: str
    payload: dict[str, Any]
    vectors: Vectors = field(default_factory=dict)


class Points(Protocol):
    """One collection. Fields of a payload are matched by equality: ``{"what": "page", "sha256": …}``."""

    def exists(self) -> bool: ...
    def create(self, single_dim: int, token_dim: int) -> None:
        """Make the collection: single vectors with HNSW, means and tokens compared one by one."""

    def upsert(self, points: Sequence[NewPoint]) -> None:
        """Write points, and wait until they are there."""

    def delete(self, match: dict[str, str]) -> None: ...
    def set_payload(self, fields: dict[str, Any], match: dict[str, str]) -> None: ...
    def scroll(self, match: dict[str, str], without: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Payloads of all points that match, in any order; without these fields."""

    def retrieve(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Payloads by id, of those that are there."""

    def query(
        self, stages: Sequence[tuple[str, Any, int]], match: dict[str, str], fields: Sequence[str]
    ) -> list[tuple[dict[str, Any], float]]:
        """Stages (vector name, query, how many go on), one choosing from what the last has left: payloads and scores, best first."""

    def settle(self) -> None:
        """Build indexes and give back space, where nobody does it in the background."""

    def close(self) -> None: ...


def library(name: str) -> Any:
    """Raises ExtraMissing."""
    try:
        return import_module(name)
    except ImportError:
        raise ExtraMissing(f"the package {name.replace('_', '-')}", "qdrant") from None


@contextmanager
def asking(address: str) -> Iterator[None]:
    """Turn what Qdrant's libraries raise into StorageError."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("qdrant", "httpx")):
            raise
        raise StorageError(f"{address} does not answer as it should: {error}") from error


class ClientPoints:
    """Through ``qdrant_client``: a server, or its local mode."""

    def __init__(self, client: Any, collection: str) -> None:
        self._models, self._client, self._name = library("qdrant_client.models"), client, collection

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
        self._client.create_collection(self._name, vectors_config=vectors, on_disk_payload=True)
        if not type(self._client._client).__name__.endswith("Local"):  # which has no indexes, and says so
            for keyword in KEYWORDS:
                self._client.create_payload_index(self._name, keyword, models.PayloadSchemaType.KEYWORD)

    def upsert(self, points: Sequence[NewPoint]) -> None:
        made = [self._models.PointStruct(id=p.id, vector=p.vectors, payload=p.payload) for p in points]
        self._client.upsert(self._name, made, wait=True)

    def delete(self, match: dict[str, str]) -> None:
        selector = self._models.FilterSelector(filter=self._filter(match))
        self._client.delete(self._name, selector, wait=True)

    def set_payload(self, fields: dict[str, Any], match: dict[str, str]) -> None:
        self._client.set_payload(self._name, fields, points=self._filter(match), wait=True)

    def scroll(self, match: dict[str, str], without: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        payload = self._models.PayloadSelectorExclude(exclude=list(without)) if without else True
        offset = None
        while True:
            records, offset = self._client.scroll(
                self._name, self._filter(match), limit=SCROLLED, offset=offset, with_payload=payload
            )
            yield from (record.payload for record in records)
            if offset is None:
                return

    def retrieve(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {str(record.id): record.payload for record in self._client.retrieve(self._name, list(ids))}

    def query(
        self, stages: Sequence[tuple[str, Any, int]], match: dict[str, str], fields: Sequence[str]
    ) -> list[tuple[dict[str, Any], float]]:
        chosen: Any = None
        for name, query, limit in stages[:-1]:
            chosen = self._models.Prefetch(
                query=query, using=name, limit=limit, prefetch=chosen, filter=self._filter(match)
            )
        name, query, limit = stages[-1]
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

    def settle(self) -> None:
        """A server does by itself."""

    def close(self) -> None:
        self._client.close()

    def _filter(self, match: dict[str, str]) -> Any:
        models = self._models
        return models.Filter(
            must=[models.FieldCondition(key=key, match=models.MatchValue(value=value)) for key, value in match.items()]
        )


class EdgePoints:
    """Through ``qdrant_edge``: the server's own core in this process, in a folder that one process at a time may open."""

    def __init__(self, folder: Path) -> None:
        self._edge, self._folder, self._shard = library("qdrant_edge"), folder, None
        if (folder / "edge_config.json").exists() or (folder / "segments").is_dir():
            self._shard = self._edge.EdgeShard.load(str(folder))

    def exists(self) -> bool:
        return self._shard is not None

    def create(self, single_dim: int, token_dim: int) -> None:
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

    def upsert(self, points: Sequence[NewPoint]) -> None:
        made = [self._edge.Point(point.id, point.vectors, point.payload) for point in points]
        self._update(self._edge.UpdateOperation.upsert_points(made))

    def delete(self, match: dict[str, str]) -> None:
        self._update(self._edge.UpdateOperation.delete_points_by_filter(self._filter(match)))

    def set_payload(self, fields: dict[str, Any], match: dict[str, str]) -> None:
        self._update(self._edge.UpdateOperation.set_payload_by_filter(self._filter(match), fields))

    def scroll(self, match: dict[str, str], without: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        payload = self._edge.PayloadSelector.Exclude(list(without)) if without else True
        offset = None
        while True:
            request = self._edge.ScrollRequest(
                offset=offset, limit=SCROLLED, filter=self._filter(match), with_payload=payload
            )
            records, offset = self._opened().scroll(request)
            yield from (record.payload for record in records)
            if offset is None:
                return

    def retrieve(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        records = self._opened().retrieve(list(ids), with_payload=True, with_vector=False)
        return {str(record.id): record.payload for record in records}

    def query(
        self, stages: Sequence[tuple[str, Any, int]], match: dict[str, str], fields: Sequence[str]
    ) -> list[tuple[dict[str, Any], float]]:
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

    def settle(self) -> None:
        self._opened().optimize()

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


def points_at(address: str) -> Points:
    """Of ``qdrant://HOST[:PORT]/COLLECTION``, ``qdrants://`` (TLS), ``qdrant:///FOLDER`` (Edge), ``qdrant://:memory:/NAME``.

    A server's key is read from the environment variable QDRANT_API_KEY. Raises ConfigError, ExtraMissing.
    """
    scheme, _, rest = address.partition("://")
    if rest.startswith("/"):
        return EdgePoints(Path(rest))
    place, _, collection = rest.partition("/")
    if not place or not collection or "/" in collection or "@" in place:
        raise ConfigError(f"{scheme}:// needs HOST:PORT/COLLECTION, or a folder as in qdrant:///data/pages")
    client = library("qdrant_client")
    if place == ":memory:":
        return ClientPoints(client.QdrantClient(":memory:"), collection)
    host, _, port = place.partition(":")
    key = os.environ.get("QDRANT_API_KEY") or None
    opened = client.QdrantClient(
        host=host, port=int(port or 6333), https=scheme == "qdrants", api_key=key, check_compatibility=False
    )
    return ClientPoints(opened, collection)
