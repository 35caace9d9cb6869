"""Coordinator: one index on several servers, with the methods of SearchEngine that read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Self, Unpack
from urllib.parse import quote

from pagesight.engine.answering import Found, together
from pagesight.engine.config import ModelConfig, SearchConfig, SearchFields, search_config
from pagesight.engine.models import load_model
from pagesight.engine.notebook import Hits
from pagesight.engine.results import SearchHit
from pagesight.engine.retrieval import Question
from pagesight.engine.shards import wire
from pagesight.engine.shards.asking import Pages, answers
from pagesight.engine.shards.cluster import Cluster
from pagesight.engine.shards.describing import described, words_of
from pagesight.engine.shards.shard import NoAnswer, Patience, Shard
from pagesight.engine.shards.view import ClusterView
from pagesight.engine.shards.vocabulary import Vocabulary
from pagesight.engine.shards.wire import Json, Place
from pagesight.engine.similar import picture_as_question
from pagesight.engine.stages import OnStage, stage
from pagesight.engine.typed.several import questions_in
from pagesight.storage.closing import Closing
from pagesight.storage.errors import ConfigError, ShardUnavailable, StoreClosed, UnknownHit
from pagesight.storage.filters import parse_filter
from pagesight.storage.names import nfc

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.encoder import EncodedQuery, Encoder
    from pagesight.engine.reranker import Reranker
    from pagesight.engine.results import PageRead
    from pagesight.indexer.content import PageContent
    from pagesight.storage.stored import StoredDocument, StoredFailure, Totals

KEY_VARIABLE = "PAGESIGHT_SHARD_KEY"
QUERIES = 64  # that are asked at once; a shard takes no more
PICTURE_SIDE_PX = 1_500  # as an engine's own pictures of A4


def shard_addresses(text: str) -> list[list[str]]:
    """Of "http://a|http://a2,http://b": for each shard the addresses of its replicas. Raises ConfigError."""
    found = [[one.strip() for one in shard.split("|")] for shard in text.split(",")]
    every = [address for shard in found for address in shard]
    if "" in every:
        raise ConfigError(f"shards are addresses with commas between, their replicas with | between, not {text!r}")
    if len(set(every)) < len(every):
        raise ConfigError(f"a server is named twice in {text!r}")
    return found


class Coordinator(Closing):
    """An index whose documents are divided among servers.

        with Coordinator.open("http://one:8000,http://two:8000|http://two-again:8000") as index:
            hits = index.search("turnover by region", k=3)

    Hits, scores, order and probabilities are those of one index with all documents, whose recall stage found at least as much.
    Equal pages come in the order of their content, where one index has them in the order in which they were indexed. The
    question is encoded here, once. Any number of threads may use it.
    """

    def __init__(
        self, cluster: Cluster, encoder: Encoder, *, address: str = "", reranker: Reranker | None = None
    ) -> None:
        """Made by ``open``."""
        self._cluster, self.encoder, self.reranker, self._address = cluster, encoder, reranker, address
        self._closed = False

    @classmethod
    def open(
        cls,
        addresses: str,
        *,
        key: str | None = None,
        partial: bool = False,
        patience: Patience | None = None,
        model: str | None = None,
        reranker: Reranker | None = None,
    ) -> Self:
        """Ask the shards what they are, and load their model.

        addresses: see ``shard_addresses``. key: that the shards ask for; default is the environment's PAGESIGHT_SHARD_KEY. partial: answer
        without shards that do not; the default is an error. model: a folder, where the model's files lie elsewhere here.
        Raises ShardUnavailable, ShardMismatch, ConfigError, ModelMismatch.
        """
        patience, key = patience or Patience(), key or os.environ.get(KEY_VARIABLE)
        shards = [Shard(replicas, key, patience) for replicas in shard_addresses(addresses)]
        try:
            cluster = Cluster(shards, partial=partial)
            space = cluster.space
            encoder = load_model(model or space.encoder, ModelConfig().with_stored(space.settings))
            space.check_encoder(encoder.name, encoder.fingerprint)
        except BaseException:
            for shard in shards:
                shard.close()
            raise
        return cls(cluster, encoder, address=addresses, reranker=reranker)

    @property
    def address(self) -> str:
        return self._address

    def view(self) -> ClusterView:
        """For one answer: what is missing in it, and numbers of the whole."""
        if self._closed:
            raise StoreClosed(self.address)
        return ClusterView(self._cluster)

    def search(
        self,
        query: str,
        *,
        filters: str | None = None,
        view: ClusterView | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]:
        """See ``SearchEngine.search``."""
        chosen = search_config(config, fields)
        return self.search_many([query], filters=filters, view=view, on_stage=on_stage, config=chosen)[0]

    def search_many(
        self,
        queries: Sequence[str],
        *,
        filters: str | None = None,
        view: ClusterView | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[list[SearchHit]]:
        """``search`` for each query; 64 at a time in the same rounds."""
        if isinstance(queries, str):
            raise ConfigError(f"queries must be a list of questions, not the one {queries!r}")
        chosen, view = _checked(search_config(config, fields), filters), view or self.view()
        typed_for = Vocabulary(view.asking) if chosen.mend and chosen.terms else None
        found: list[list[SearchHit]] = []
        for at in range(0, len(queries), QUERIES):
            with stage("encode", on_stage):
                asked = [
                    [Question.of(text, self.encoder, filters, typed_for=typed_for) for text in _texts(query, chosen)]
                    for query in queries[at : at + QUERIES]
                ]
            found += self._answered(asked, view, chosen, on_stage, opinion=True)
        return found

    def similar(
        self,
        document: str,
        page: int,
        *,
        sha256: str | None = None,
        filters: str | None = None,
        view: ClusterView | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]:
        """See ``SearchEngine.similar``."""
        chosen, view = _checked(search_config(config, fields), filters), view or self.view()
        named = self._named(view, "as_question", document, page, sha256=sha256, filters=filters)
        if named["question"] is None:
            return Hits([], self)
        place = Place.of(named["place"])
        wider = chosen.wider(chosen.k + 1)
        (hits,) = self._answered([[wire.question_of(named["question"])]], view, wider, on_stage)
        others = [hit for hit in hits if (hit.sha256, hit.page) != place.key][: chosen.k]
        return Hits([replace(hit, rank=rank) for rank, hit in enumerate(others, start=1)], self, view.missing)

    def search_page(
        self,
        page: PageContent,
        *,
        filters: str | None = None,
        view: ClusterView | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
    ) -> list[SearchHit]:
        """See ``SearchEngine.search_page``."""
        chosen, view = _checked(config or SearchConfig(), filters), view or self.view()
        with stage("encode", on_stage):
            asked = picture_as_question(page, self.encoder, filters)
        return self._answered([[asked]], view, chosen, on_stage)[0]

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        """See ``SearchEngine.documents``; where the files lie is the shards' own affair."""
        return self.view().documents(filters)

    def some_documents(self, filters: str | None, offset: int, limit: int) -> tuple[int, list[StoredDocument]]:
        """See ``SearchEngine.some_documents``."""
        return self.view().some_documents(filters, offset, limit)

    def failures(self) -> list[StoredFailure]:
        """See ``SearchEngine.failures``."""
        return self.view().failures()

    def totals(self) -> Totals:
        """See ``SearchEngine.totals``."""
        return self.view().totals()

    def look_up(self, document: str, page: int, query: str | None = None, *, sha256: str | None = None) -> SearchHit:
        """See ``SearchEngine.look_up``."""
        return self.read_page(document, page, query, sha256=sha256).hit

    def page_text(self, document: str, page: int, *, sha256: str | None = None) -> str:
        """See ``SearchEngine.page_text``."""
        return self.read_page(document, page, sha256=sha256).text

    def read_page(self, document: str, page: int, query: str | None = None, *, sha256: str | None = None) -> PageRead:
        """See ``SearchEngine.read_page``."""
        from pagesight.engine.results import PageRead

        view, question = self.view(), None
        if query is not None:
            question = wire.question_json(Question.of(query, self.encoder, typed_for=Vocabulary(view.asking)))
        found = self._named(view, "look_up", document, page, sha256=sha256, question=question)
        hit = wire.hit_of(found["hit"], rank=1, page_id=0, confidence=None)
        return PageRead(hit, found["text"], found["text_source"])

    def score_pages(self, names: Sequence[tuple[str, int]], query: EncodedQuery) -> list[float | None]:
        """See ``SearchEngine.score_pages``."""
        question = wire.question_json(Question(encoded=query, opening_weight=self.encoder.opening_weight))
        body = {"question": question, "pages": [[nfc(document), number] for document, number in names]}
        by_shard = [answer["scores"] for answer in self.view().asking.all("scores", body) if answer is not None]
        return [
            next((score for score in of_page if score is not None), None) for of_page in zip(*by_shard, strict=True)
        ]

    def pictures(self, hits: Sequence[SearchHit], *, password: str | None = None) -> Iterator[Image.Image]:
        """See ``SearchEngine.pictures``. password: the shards have their own."""
        from PIL import Image

        from pagesight.engine.pictures import mark

        if password is not None:
            raise ConfigError("a server opens encrypted files with its own password")
        for hit in hits:
            yield mark(Image.open(io.BytesIO(self.picture(hit, PICTURE_SIDE_PX))), hit.regions)

    def picture(self, hit: SearchHit, max_side: int) -> bytes:
        """The page of a hit as PNG, without marks. Raises what its shard raises."""
        from pagesight.engine.client.transport import refusal

        path = f"/api/documents/{quote(hit.document, safe='/')}/pages/{hit.page:d}/image"
        query = f"?max_side={max_side}&format=png&sha256={hit.sha256}"
        with closing(self.relayed(hit.document, path + query, {}, sha256=hit.sha256)) as answer:
            data = answer.read()
            if answer.status >= 300:
                raise refusal(self.address, answer.status, data)
            return data

    def relayed(self, document: str, path: str, headers: dict[str, str], *, sha256: str | None = None) -> HTTPResponse:
        """What the server that has a document answers to a GET, of whatever status; to be closed. Raises UnknownHit."""
        name, view = nfc(document), self.view()
        for i, answer in enumerate(view.asking.all("named", {"document": name, "sha256": sha256})):
            if answer is not None and answer["known"]:
                shard = self._cluster.shards[i]
                assert isinstance(shard, Shard)
                try:
                    return shard.open(path, headers)
                except NoAnswer as error:
                    raise ShardUnavailable({shard.label: str(error)}) from error
        raise _unknown(f"there is no document {name[:200]!r} in the index", view)

    def close(self) -> None:
        """Let go of the connections and of the model."""
        self._closed = True
        self._cluster.close()

    def _answered(
        self,
        asked: Sequence[Sequence[Question]],
        view: ClusterView,
        config: SearchConfig,
        on_stage: OnStage | None,
        *,
        opinion: bool = False,
    ) -> list[list[SearchHit]]:
        """Hits for texts, each of one question or several (engine.answering)."""
        pages, questions = Pages(), [question for several in asked for question in several]
        n = min(config.second_opinion, config.n_candidates) if opinion and self.reranker is not None else 0
        wider = replace(config, k=max(config.k, n))
        found = iter(
            [
                [Found(page, question, confidence) for page in best]
                for question, (best, confidence) in zip(
                    questions, answers(view.asking, questions, wider, pages, on_stage), strict=True
                )
            ]
        )
        results = []
        for several in asked:
            own = [self._ordered(next(found), view, pages, n, on_stage)[: config.k] for _ in several]
            results.append(own[0] if len(own) == 1 else together(own, config.k))
        with stage("describe", on_stage):
            hits_found = iter(described([one for result in results for one in result], view, pages))
            hits = [[hit for _ in result if (hit := next(hits_found)) is not None] for result in results]
        return [
            Hits([replace(hit, rank=rank) for rank, hit in enumerate(some, start=1)], self, view.missing)
            for some in hits
        ]

    def _ordered(
        self, found: list[Found], view: ClusterView, pages: Pages, n: int, on_stage: OnStage | None
    ) -> list[Found]:
        """With a second opinion, if there is one."""
        if self.reranker is None or not n or not found:
            return found
        from pagesight.engine.reranker.opinion import second_opinion

        question, confidence = found[0].question, found[0].confidence
        with stage("second opinion", on_stage):
            words = partial(words_of, view, pages)
            ordered = second_opinion(question.wording, [one.page for one in found], self.reranker, words, n)
        return [Found(page, question, confidence) for page in ordered]

    def _named(
        self, view: ClusterView, name: str, document: str, page: int, *, sha256: str | None, **more: Any
    ) -> Json:
        """The answer of the first shard that has this page. Raises UnknownHit."""
        body = {"document": nfc(document), "number": page, "sha256": sha256, **more}
        for answer in view.asking.all(name, body):
            if answer is not None and answer["known"]:
                return answer
        raise _unknown(f"there is no page {document}:{page} in the index", view)


def _texts(query: str, config: SearchConfig) -> list[str]:
    return questions_in(query) if config.mend else [query]


def _checked(config: SearchConfig, filters: str | None) -> SearchConfig:
    """Raises BadFilter, and ConfigError for what a shard decides for itself."""
    if filters is not None:
        parse_filter(filters)
    if config.score_on is not None or not config.token_recall:
        raise ConfigError(
            "score_on and token_recall are settings of the process that searches, not of one that asks it"
        )
    return config


def _unknown(message: str, view: ClusterView) -> UnknownHit:
    missing = f"; it may be in {', '.join(view.missing)}, which does not answer" if view.missing else ""
    return UnknownHit(message + missing)
