"""What a shard is asked, by name. Each question is answered in a view of the moment: nothing is kept from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pagesight.engine.config import SearchConfig, WiderConfig
from pagesight.engine.describe import describe, describe_page
from pagesight.engine.maxsim import summed
from pagesight.engine.ranking.terms import BEST_BY_WORDS, Asked, PageIds
from pagesight.engine.retrieval import Question, recall, rerank
from pagesight.engine.shards import wire
from pagesight.engine.shards.wire import Json, Place
from pagesight.engine.similar import as_question
from pagesight.storage.bm25 import WordStatistics, best_by_words, counting
from pagesight.storage.errors import ShardMismatch
from pagesight.storage.filters import quoted
from pagesight.storage.words import WordScores

if TYPE_CHECKING:
    from pagesight.engine.index import View
    from pagesight.storage.manifest import Space

EVERY = 2**31 - 1  # pages with a phrase, however many
NO_WORDS = WordStatistics(0, 0, 0, {})


def state_of(view: View, part: str | None) -> Json:
    """Whose part this is, and of what: what a coordinator compares with the other shards."""
    findable = len(view.page_ids())
    return {"protocol": wire.PROTOCOL, "part": part, "space": asdict(view.space), "n_findable": findable}


def answered(view: View, part: str | None, name: str, body: Json) -> Json:
    """Raises ShardMismatch if the coordinator expects another part, or one of another index."""
    if name not in ASKED:
        raise ShardMismatch(f"this version knows no {name!r}; let all servers run the same version")
    _check(body.get("expects"), view.space, part)
    return {**ASKED[name](view, body), "generation": view.generation}


def _check(expected: Any, space: Space, part: str | None) -> None:
    if not isinstance(expected, dict):
        raise ShardMismatch("a question to a shard says what it expects it to be")
    own = {"protocol": wire.PROTOCOL, "fingerprint": space.fingerprint, "codec": space.codec, "part": part}
    for name, value in own.items():
        if expected.get(name) != value:
            raise ShardMismatch(f"the {name} of this shard is {value}, not {expected.get(name)} as the others need it")


def _question(view: View, fields: Json) -> Question:
    """Raises ShardMismatch for vectors of other widths than those of this index, too."""
    question, space = wire.question_of(fields), view.space
    widths = len(question.encoded.single), question.encoded.tokens.shape[1]
    if widths != (space.single_dim, space.token_dim):
        raise ShardMismatch(
            f"the vectors of this index have {space.single_dim} and {space.token_dim} numbers, the question's {widths[0]} and {widths[1]}"
        )
    return question


def _numbers(view: View, body: Json) -> Json:
    """Of each question: what BM25 needs, on how many pages its dates and part numbers are, how many pages may be found."""
    findable, found = len(view.page_ids()), []
    for asked in body["questions"]:
        statistics = (
            WordStatistics.of(counting(view), asked["text"], findable)
            if asked["text"]
            else replace(NO_WORDS, n_findable=findable)
        )
        written = [len(view.pages_with_phrases(phrases, EVERY)) for phrases in asked["writings"]]
        n_allowed = findable if asked["filters"] is None else len(view.page_ids(asked["filters"]))
        found.append({"statistics": wire.statistics_json(statistics), "written": written, "n_allowed": n_allowed})
    return {"questions": found}


def _words(view: View, body: Json) -> Json:
    """BM25 of the best pages, by the numbers of the whole: as many as count in one index."""
    return {"scores": [_by_words(view, one)[1].tolist() for one in body["questions"]]}


def _by_words(view: View, asked: Json) -> tuple[WordScores, np.ndarray]:
    allowed = view.page_ids(asked["filters"])
    return best_by_words(counting(view), wire.statistics_of(asked["statistics"]), BEST_BY_WORDS, allowed)


class _AskedOfAll(Asked):
    """A question in one part of a whole: its words and writings count as they do in the whole."""

    def __init__(self, question: Question, view: View, words: WordScores, written: Sequence[PageIds]) -> None:
        super().__init__(question.text, view, question.filters)
        self.__dict__.update(words=words, written=tuple(written))  # in place of what is looked up at the first use


def _search(view: View, body: Json) -> Json:
    """The best pages of each question, and what a sample of this part's pages gets."""
    config = WiderConfig(**body["config"])
    return {"questions": [_best(view, one, config) for one in body["questions"]]}


def _best(view: View, body: Json, config: SearchConfig) -> Json:
    question, words = _question(view, body["question"]), WordScores.none()
    if question.text:
        fields = {"statistics": body["statistics"], "filters": question.filters}
        found, n = _by_words(view, fields)[0], body["n_words"]
        words = WordScores(found.page_ids[:n], found.shares[:n])
    written = [view.pages_with_phrases(phrases, EVERY) for phrases in body["written"]]
    asked = _AskedOfAll(question, view, words, written)
    allowed = view.page_ids(question.filters)
    candidates = allowed if config.exact else recall(question, view, config, asked)
    scored = rerank(question, view, candidates, config, asked)
    sample = np.array(body["sample"], np.int64)
    sample = allowed[sample[sample < len(allowed)]]
    usual = summed(view.means_maxima(question.encoded.tokens, sample)) if len(sample) else np.empty(0)
    stored = view.describe(np.array([page.page_id for page in scored], np.int64))
    pages = []
    for page in scored:
        at = stored[page.page_id]
        place = Place(at.sha256, at.number, page.page_id)
        pages.append({"place": place.json(), **wire.scored_json(page)})
    return {"pages": pages, "usual": usual.tolist()}


def _describe(view: View, body: Json) -> Json:
    """Hits for pages and the questions that they answer; None for a page that is gone."""
    questions = [_question(view, one) for one in body["questions"]]
    hits: list[Json | None] = [None] * len(body["pages"])
    at = find(view, [Place.of(one["place"]) for one in body["pages"]])
    for number, question in enumerate(questions):
        own = [i for i, one in enumerate(body["pages"]) if one["question"] == number and at[i] is not None]
        pages = [wire.scored_of(body["pages"][i], at[i] or 0) for i in own]
        found = describe(pages, question.encoded, view, wording=question.wording, read_as=question.read_as)
        for i, hit in zip(own, found, strict=True):
            hits[i] = wire.hit_json(hit)
    return {"hits": hits}


def find(view: View, places: Sequence[Place]) -> list[int | None]:
    """The pages here; None for one that is not in this view. Another store, or another state of it, has other numbers for them."""
    hints = np.array(sorted({place.page_id for place in places}), np.int64)
    known = view.describe(hints[np.isin(hints, view.page_ids())])
    found: list[int | None] = []
    for place in places:
        page = known.get(place.page_id)
        if page is not None and (page.sha256, page.number) == place.key:
            found.append(place.page_id)
        else:
            fits = view.page_ids(f"sha256 = {place.sha256} and page = {place.number}")
            found.append(int(fits[0]) if len(fits) else None)
    return found


def _look_up(view: View, body: Json) -> Json:
    """One page by its name, with what matches a question, if there is one and anything on the page that could."""
    page_id = view.find_page(body["document"], body["number"], sha256=body.get("sha256"))
    if page_id is None:
        return {"known": False}
    ids = np.array([page_id], np.int64)
    findable = bool(np.isin(page_id, view.page_ids()))
    hit = describe_page(page_id, view)
    if body["question"] is not None and findable:
        question = _question(view, body["question"])
        scored = rerank(Question(encoded=question.encoded), view, ids, SearchConfig(k=1))
        hit = describe(scored, question.encoded, view, wording=question.wording)[0]
    text = " ".join(view.details(ids)[page_id].words.texts) if findable else ""
    return {
        "known": True,
        "hit": wire.hit_json(hit),
        "text": text,
        "text_source": view.describe(ids)[page_id].text_source,
    }


def _as_question(view: View, body: Json) -> Json:
    """A page by its name as a question, for pages like it; no question if there is nothing on it to compare."""
    page_id = view.find_page(body["document"], body["number"], sha256=body.get("sha256"))
    if page_id is None:
        return {"known": False}
    if page_id not in view.page_ids():
        return {"known": True, "question": None}
    at = view.describe(np.array([page_id]))[page_id]
    question = as_question(page_id, view, body["filters"])
    place = Place(at.sha256, at.number, page_id)
    return {"known": True, "question": wire.question_json(question), "place": place.json()}


def _scores(view: View, body: Json) -> Json:
    """The score of pages by their names, as [document, number]; None for those that are not here."""
    question = _question(view, body["question"])
    ids = [view.find_page(document, number) for document, number in body["pages"]]
    known = np.intersect1d(np.array([i for i in ids if i is not None], np.int64), view.page_ids())
    found = {page.page_id: page.score for page in rerank(question, view, known, WiderConfig(k=max(1, len(known))))}
    return {"scores": [None if i is None else found.get(i, 0.0) for i in ids]}


def _texts(view: View, body: Json) -> Json:
    """The words of pages and where they stand; None for a page that is gone."""
    at = find(view, [Place.of(one) for one in body["places"]])
    details = view.details(np.array([i for i in at if i is not None], np.int64))
    words = [None if i is None else details[i].words for i in at]
    return {"words": [w and {"texts": list(w.texts), "boxes": wire.vectors_json(w.boxes)} for w in words]}


def _vocabulary(view: View, body: Json) -> Json:
    return {"n_findable": len(view.page_ids()), "terms": view.vocabulary(body["prefixes"], body["terms"])}


def _spelt(view: View, body: Json) -> Json:
    """A term as the first page spells it, and which page that is."""
    term = body["term"]
    pages, _ = counting(view).word_counts([term])[term]
    if not len(pages):
        return {"spelt": term, "key": None}
    first = view.describe(pages[:1])[int(pages[0])]
    return {"spelt": view.spelt(term), "key": [first.sha256, first.number]}


def _named(view: View, body: Json) -> Json:
    """Whether a document of this name is here, of one content if that is said."""
    name, sha256 = body["document"], body.get("sha256")
    if '"' in name and "'" in name:  # a filter has no way to say both
        found = [one for one in view.documents() if name in one.names]
    else:
        found = view.documents(f"document = {quoted(name)}")
    return {"known": any(sha256 in (None, one.sha256) for one in found)}


def _documents(view: View, body: Json) -> Json:
    """limit: None for all."""
    found = view.documents(body["filters"])
    shown = found if body["limit"] is None else found[: body["limit"]]
    return {"total": len(found), "documents": [{**asdict(one), "locations": ()} for one in shown]}


def _failures(view: View, _: Json) -> Json:
    return {"failures": [{**asdict(one), "location": one.document} for one in view.failures()]}


def _totals(view: View, _: Json) -> Json:
    return {"totals": asdict(view.totals())}


ASKED: dict[str, Callable[[View, Json], Json]] = {
    "numbers": _numbers,
    "words": _words,
    "search": _search,
    "describe": _describe,
    "look_up": _look_up,
    "as_question": _as_question,
    "scores": _scores,
    "texts": _texts,
    "vocabulary": _vocabulary,
    "spelt": _spelt,
    "named": _named,
    "documents": _documents,
    "failures": _failures,
    "totals": _totals,
}
