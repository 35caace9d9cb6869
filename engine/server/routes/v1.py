"""/v1/embeddings and /v1/models: the models of the opened indexes, as clients of OpenAI and Jina ask for vectors."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Depends

from pagesight.engine.embedding import Embedded, HasTask, Prompt, check_dim, cut, embed_picture_files, embed_texts
from pagesight.engine.models import known_name, spec_of
from pagesight.engine.server.errors import BadRequest, NotFound, NotReady
from pagesight.engine.server.given import Given, given
from pagesight.engine.server.routes.shared import Serving
from pagesight.engine.server.routes.v1_models import (
    EmbeddingRow,
    EmbeddingsAnswer,
    EmbeddingsRequest,
    Encoding,
    Input,
    ModelInfo,
    ModelList,
    Usage,
)
from pagesight.engine.server.security import reader
from pagesight.storage.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder
    from pagesight.engine.server.service import Service
    from pagesight.engine.server.settings import ServerSettings

router = APIRouter(tags=["models"], dependencies=[Depends(reader)])
BATCH = 16  # inputs that a model is given at once


class ModelNotFound(NotFound):
    """No opened index has this model."""


@router.get("/v1/models", response_model=ModelList)
async def models(service: Serving) -> ModelList:
    """The models of the indexes that are open."""
    return ModelList(data=[_described(encoder) for encoder in loaded_models(service).values()])


@router.post("/v1/embeddings", response_model=EmbeddingsAnswer, response_model_exclude_none=True)
async def embeddings(service: Serving, request: EmbeddingsRequest) -> Any:
    """Vectors of texts and pictures by a model of an opened index."""
    encoder = model_named(service, request.model)
    return await service.run(_embed, request, encoder, service.settings)


def loaded_models(service: Service) -> dict[str, Encoder]:
    """By name, those of the first index first; what is not open yet is left out."""
    found: dict[str, Encoder] = {}
    for name in service.names:
        try:
            encoder = service.engine(name).encoder
        except NotReady:
            continue
        found.setdefault(encoder.name, encoder)
    return found


def model_named(service: Service, name: str) -> Encoder:
    """A model by its name, or that of its repository on the hub; "" is the first one. Raises ModelNotFound, NotReady."""
    loaded = loaded_models(service)
    if not loaded:
        raise NotReady("no model is loaded yet")
    if not name:
        return next(iter(loaded.values()))
    if known_name(name) not in loaded:
        raise ModelNotFound(f"there is no model {name!r} here; there are {', '.join(loaded)}")
    return loaded[known_name(name)]


def read_inputs(inputs: Mapping[int, str | Input], settings: ServerSettings, param: str) -> dict[int, Given]:
    """Texts and pictures by their places in the request; see ``given``. Raises BadRequest."""
    found = {}
    for i, one in inputs.items():
        place = f"{param}.{i}"
        if isinstance(one, str):
            found[i] = given(one, None, settings, param=place)
            continue
        pictures = [value for value in (one.image, one.bytes, one.url) if value is not None]
        if len(pictures) > 1:
            raise BadRequest(f"{place}: give one of image, bytes, url", place)
        picture = pictures[0] if pictures else None
        found[i] = given(one.text, picture, settings, param=place, is_base64=one.bytes is not None)
    return found


def embed(encoder: Encoder, inputs: Mapping[int, Given], prompt: Prompt, param: str) -> list[Embedded]:
    """Vectors of each, in order. Raises BadRequest that names the one that cannot be encoded by its place in the request."""
    found: dict[int, Embedded] = {}
    texts = [i for i, one in inputs.items() if one.picture is None]
    pictures = [i for i, one in inputs.items() if one.picture is not None]
    for at in range(0, len(texts), BATCH):
        some = texts[at : at + BATCH]
        found |= zip(
            some, _naming(param, some, embed_texts, encoder, [inputs[i].text for i in some], prompt), strict=True
        )
    for at in range(0, len(pictures), BATCH):
        some = pictures[at : at + BATCH]
        found |= zip(
            some, _naming(param, some, embed_picture_files, encoder, [inputs[i].picture for i in some]), strict=True
        )
    return [found[i] for i in inputs]


def _naming(
    param: str, places: Sequence[int], function: Any, encoder: Encoder, given: Sequence[Any], *rest: Any
) -> Any:
    """One by one if all together fail, to say which of them it is."""
    try:
        return function(encoder, given, *rest)
    except BadInput as error:
        for place, one in zip(places, given, strict=True):
            try:
                function(encoder, [one], *rest)
            except BadInput as bad:
                raise BadRequest(f"{param}.{place}: {bad}", f"{param}.{place}") from error
        raise


def check_task(encoder: Encoder, task: str | None) -> Prompt:
    """How texts are meant. Raises ConfigError for a task that the model was not loaded for."""
    kind, _, side = (task or "").partition(".")
    own = encoder.task if isinstance(encoder, HasTask) else "retrieval"
    allowed = {own} if isinstance(encoder, HasTask) else {own, "text-matching"}
    if task is not None and kind not in allowed:
        raise BadRequest(f"task: {encoder.name} was loaded for {', '.join(sorted(allowed))}, not for {kind}", "task")
    return "passage" if side == "passage" else "query"


def _embed(request: EmbeddingsRequest, encoder: Encoder, settings: ServerSettings) -> EmbeddingsAnswer:
    prompt = check_task(encoder, request.task)
    if request.return_multivector and request.dimensions is not None:
        raise BadRequest("dimensions: they are of single vectors; vectors of tokens have one length", "dimensions")
    try:
        dim = encoder.single_dim if request.dimensions is None else check_dim(encoder, request.dimensions)
    except ConfigError as error:
        raise BadRequest(f"dimensions: {error}", "dimensions") from error
    texts = [request.input] if isinstance(request.input, str) else request.input
    made = embed(encoder, read_inputs(dict(enumerate(texts)), settings, "input"), prompt, "input")
    encodings = request.embedding_type or request.encoding_type or request.encoding_format or "float"
    rows = []
    for i, one in enumerate(made):
        if request.return_multivector:
            rows.append(EmbeddingRow(index=i, embeddings=[encoded(token, encodings) for token in one.tokens]))
        else:
            rows.append(EmbeddingRow(index=i, embedding=encoded(cut(one.single, dim), encodings)))
    usage = Usage.of(sum(len(one.tokens) for one in made))
    return EmbeddingsAnswer(data=rows, model=encoder.name, usage=usage)


def encoded(vector: np.ndarray, encodings: Encoding | Sequence[Encoding]) -> Any:
    """One encoding of a vector, or several by name."""
    if isinstance(encodings, str):
        return _ENCODINGS[encodings](vector)
    return {name: _ENCODINGS[name](vector) for name in encodings}


def _bits(vector: np.ndarray) -> np.ndarray:
    """A bit a component, set where it is above 0, the first component in the highest bit."""
    return np.packbits(vector > 0)


_ENCODINGS: dict[str, Any] = {
    "float": lambda vector: vector.tolist(),
    "base64": lambda vector: base64.b64encode(vector.astype("<f4").tobytes()).decode(),
    "ubinary": lambda vector: _bits(vector).tolist(),
    "binary": lambda vector: (_bits(vector).astype(np.int16) - 128).tolist(),  # as sentence-transformers has it
}


def _described(encoder: Encoder) -> ModelInfo:
    spec = spec_of(encoder.name)
    smaller = [dim for dim in (spec.matryoshka if spec else ()) if dim < encoder.single_dim]
    return ModelInfo(
        id=encoder.name,
        reads="words" if encoder.image_pixels is None else "page images",
        dimensions=sorted({encoder.single_dim, *smaller}, reverse=True),
        token_dimensions=encoder.token_dim,
    )
