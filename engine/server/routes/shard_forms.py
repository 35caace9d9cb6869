"""What each question to a shard has in it (engine.shards.desk), and how much one may ask for.

Fields are read before anything is done with them, so that what goes wrong afterwards is a bug of ours and looks like one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pagesight.engine.config import SearchConfig
from pagesight.engine.server.routes.models import LIMITS, Json
from pagesight.engine.typed.several import MOST
from pagesight.storage.errors import ShardMismatch

Natural = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Named = Annotated[tuple[str, Number], Field(strict=False)]  # JSON has lists only
N_QUESTIONS = LIMITS.queries * MOST  # a text may ask several
MOST_CANDIDATES = 10 * LIMITS.candidates  # programs may ask for more than pages on the web


class Form(BaseModel):
    model_config = ConfigDict(strict=True)


class Vectors(Form):
    shape: Annotated[list[Natural], Field(min_length=1, max_length=2)]
    float32: str


class Question(Form):
    single: Vectors
    tokens: Vectors
    token_texts: list[str]
    text: str
    filters: str | None
    opening_weight: Number
    ranking: list[Named]
    wording: str
    read_as: str


class Statistics(Form, extra="forbid"):
    n_pages: Natural
    n_terms: Natural
    n_findable: Natural
    n_with: dict[str, Natural]


class Place(Form, extra="forbid"):
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    number: Natural
    page_id: Natural


class Config(Form, extra="forbid"):
    k: Annotated[int, Field(ge=1, le=SearchConfig.most_k + 1)]  # pages like one are looked for with that one
    n_candidates: Annotated[int, Field(ge=1, le=MOST_CANDIDATES)]
    exact: bool
    terms: bool


class Counted(Form):
    text: str
    writings: list[list[str]]
    filters: str | None


class ByWords(Form):
    text: str
    statistics: Statistics
    filters: str | None


class Searched(Form):
    question: Question
    statistics: Statistics
    written: list[list[str]]
    n_words: Natural
    sample: list[Natural]


class Scored(Form):
    place: Place
    question: Natural
    score: Number
    parts: list[Named]
    opening: int


class Numbers(Form):
    questions: Annotated[list[Counted], Field(max_length=N_QUESTIONS)]


class Words(Form):
    questions: Annotated[list[ByWords], Field(max_length=N_QUESTIONS)]


class Search(Form):
    questions: Annotated[list[Searched], Field(max_length=N_QUESTIONS)]
    config: Config


class Describe(Form):
    questions: Annotated[list[Question], Field(max_length=N_QUESTIONS)]
    pages: list[Scored]


class LookUp(Form):
    document: str
    number: int
    sha256: str | None = None
    question: Question | None


class AsQuestion(Form):
    document: str
    number: int
    sha256: str | None = None
    filters: str | None


class Scores(Form):
    question: Question
    pages: list[Annotated[tuple[str, int], Field(strict=False)]]


class Texts(Form):
    places: list[Place]


class Vocabulary(Form):
    prefixes: list[str]
    terms: list[str]


class Spelt(Form):
    term: str


class NamedDocument(Form):
    document: str
    sha256: str | None = None


class Documents(Form):
    filters: str | None
    limit: Natural | None


FORMS: dict[str, type[Form]] = {
    "numbers": Numbers,
    "words": Words,
    "search": Search,
    "describe": Describe,
    "look_up": LookUp,
    "as_question": AsQuestion,
    "scores": Scores,
    "texts": Texts,
    "vocabulary": Vocabulary,
    "spelt": Spelt,
    "named": NamedDocument,
    "documents": Documents,
    "failures": Form,
    "totals": Form,
}


def check_form(name: str, body: Json) -> None:
    """Raises ShardMismatch for a body that is no question of this name."""
    try:
        FORMS.get(name, Form).model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ShardMismatch(
            f"{where}: {first['msg']}; this is no question of this version, or one that asks for too much at once"
        ) from error
